/** Every target. */
import { decoders, items, pem, spki } from './decoders.ts'
import type { Target } from './fuzzer.ts'
import { clientAnswer, clientKey, hello, serverAck } from './handshakes.ts'
import { receipts, receiver, sessions } from './sessions.ts'
import { swaps } from './swaps.ts'

export const targets: readonly Target[] = [
  decoders,
  items,
  spki,
  pem,
  hello,
  serverAck,
  clientAnswer,
  clientKey,
  sessions,
  receiver,
  receipts,
  swaps,
]
