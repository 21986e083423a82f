/** Every measure, by the name that the command line takes. */
import type { Measure } from '../harness/bench.ts'
import { bulk } from './bulk.ts'
import { cold } from './cold.ts'
import { durable } from './durable.ts'
import { handshakes } from './handshakes.ts'
import { latency } from './latency.ts'
import { limits } from './limits.ts'
import { linear } from './linear.ts'
import { messages } from './messages.ts'
import { sessions } from './sessions.ts'

export const MEASURES: Readonly<Record<string, Measure>> = {
  messages,
  durable,
  bulk,
  handshakes,
  latency,
  sessions,
  cold,
  limits,
  linear,
}
