/** Sends messages in their order and prints the receipt of each. */
import { CountersignError, type Receipt, type SecureSession } from '@countersign/core'
import type { Output } from '@countersign/keyexchange/cli'
import type { Input } from './input.ts'
import { printReceipt } from './receipts.ts'

/** Messages that may wait for their receipts at a time. */
const MOST_WAITING = 4096

/**
 * Sends all messages; resolves when the receipt of each is printed.
 *
 * @param signal ends what would wait for more to send
 * @returns the first refusal, where a receipt says so: the messages behind it were sent all the same
 * @throws whatever ended the session before all receipts came
 */
export async function dispatch(
  session: SecureSession,
  input: Input,
  output: Output,
  signal: AbortSignal,
): Promise<Error | undefined> {
  const most = input.typed ? 1 : MOST_WAITING
  let refusal: Error | undefined
  let waiting = 0
  let printed = Promise.resolve()
  const print = async (sending: Promise<Receipt>, name: string | undefined): Promise<void> => {
    try {
      printReceipt(output, session.peer, await sending, name)
    } catch (error) {
      const receipt = receiptBehind(error)
      if (receipt === undefined) throw error
      printReceipt(output, session.peer, receipt, name)
      refusal ??= error as Error
    }
    waiting -= 1
  }
  for await (const { body, options } of input.messages(signal)) {
    const sending = session.send(body, options)
    // Its failure is told in its turn.
    sending.catch(() => {})
    waiting += 1
    printed = printed.then(() => print(sending, options.name))
    printed.catch(() => {})
    if (waiting >= most) await printed
  }
  await printed
  return refusal
}

/** The receipt of an outcome other than stored and received, which core throws with it. */
function receiptBehind(error: unknown): Receipt | undefined {
  const cause = error instanceof CountersignError ? error.cause : undefined
  return cause !== null && typeof cause === 'object' && 'outcome' in cause ? (cause as Receipt) : undefined
}
