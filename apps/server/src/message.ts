/** Messages, as the server prints them: with nothing of a peer's that a terminal would act on. */
import type { Message } from '@countersign/core'
import { countOf, equal, fromUtf8, hex } from '@countersign/core/protocol'
import { type Output, printable, style } from '@countersign/keyexchange/cli'

/** Bodies longer than this are not printed but stored alone; bytes. */
const MOST_JSON = 1024 * 1024
const MOST_TEXT = 8 * 1024

/** Prints a message that has been verified and stored. */
export async function printMessage(output: Output, message: Message): Promise<void> {
  const { envelope, number, attributes, length } = message
  const { peer, statement } = envelope
  const sender = peer.keys.find(({ id }) => equal(id, statement.from))!
  const body = length <= MOST_JSON ? await message.bytes() : undefined
  const text = body && fromUtf8(body)
  const record = {
    event: 'message',
    from: { name: peer.name, fingerprint: sender.fingerprint },
    outbox: hex(statement.outbox),
    number,
    sentAt: message.sentAt.toISOString(),
    receivedAt: message.receivedAt.toISOString(),
    signature: 'verified',
    envelope: { first: statement.first, count: countOf(statement) },
    attributes: Object.fromEntries(attributes),
    length,
    ...(text !== undefined ? { text } : body && { base64: Buffer.from(body).toString('base64') }),
  }
  output.result(record, [
    `${style('bold', peer.name!)} #${number}  ${sender.fingerprint}  ${record.receivedAt}  ${style('green', 'signature verified')}`,
    ...described(message),
    ...(text === undefined ? [`    ${length} bytes`] : textLines(text, length)),
  ])
}

/** What its sender says of it, where it says more than that it is a text. */
function described({ attributes }: Message): string[] {
  return [...attributes]
    .filter(([name, value]) => !(name === 'content-type' && value === 'text/plain'))
    .map(([name, value]) => style('dim', `    ${printable(name)}: ${printable(value)}`))
}

function textLines(text: string, length: number): string[] {
  const shown = text.slice(0, MOST_TEXT)
  const lines = shown
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `    ${printable(line)}`)
  return shown === text ? lines : [...lines, style('dim', `    and more: ${length} bytes in all`)]
}
