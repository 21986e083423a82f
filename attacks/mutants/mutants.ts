/** Every check that the protocol's text demands, each taken out once. */
import { deliveryMutants } from './delivery.ts'
import { handshakeMutants } from './handshake.ts'
import type { Mutant } from './mutant.ts'
import { sessionMutants } from './session.ts'
import { swapMutants } from './swap.ts'

export const mutants: readonly Mutant[] = [...handshakeMutants, ...sessionMutants, ...deliveryMutants, ...swapMutants]
