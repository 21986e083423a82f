/** Sends all that a command line asks for, and says at its end what became of it. */
import type { Output } from '@countersign/keyexchange/cli'
import { dispatch } from './dispatch.ts'
import type { Input } from './input.ts'
import type { Way } from './way.ts'

/** @throws what kept a receipt from coming; else the first refusal */
export async function deliver(way: Way, input: Input, output: Output, interrupted: AbortSignal): Promise<void> {
  const { refusal, failure, unanswered } = await dispatch(way, input, output, interrupted)
  if (way.keeps && unanswered > 0) {
    output.note(`kept in the outbox: ${unanswered}; \`outbox retry\` waits for the receipts of what is there`)
  }
  interrupted.throwIfAborted()
  if (failure !== undefined) throw failure
  if (way.over.aborted) throw way.over.reason
  if (refusal !== undefined) throw refusal
}
