/** Messages, as the server prints them: with nothing of a peer's that a terminal would act on. */
import { type Attributes, fromUtf8 } from '@countersign/core/protocol'
import { formatSize, type Output, printable, style } from '@countersign/keyexchange/cli'
import type { Content, Letter } from './letter.ts'

/** Bodies longer than this, in bytes, are not printed as JSON: `inbox cat` gives them whole. */
const MOST_JSON = 1024 * 1024
/** As many characters of a text are printed for people. */
const MOST_TEXT = 8 * 1024

/** Prints a message whole, as far as it is not too long. */
export async function printLetter(output: Output, letter: Letter): Promise<void> {
  const { id, from, number, receivedAt, content } = letter
  const body = content && content.length <= MOST_JSON ? await content.bytes() : undefined
  const text = body && fromUtf8(body)
  const head = [
    `${style('bold', from.name)} #${number}`,
    from.fingerprint,
    receivedAt.toISOString(),
    style('green', 'signature verified'),
    ...(id === undefined ? [] : [`id ${id}`]),
  ]
  output.result(
    {
      event: 'message',
      ...recordOf(letter),
      signature: 'verified',
      ...(text !== undefined ? { text } : body && { base64: Buffer.from(body).toString('base64') }),
    },
    [head.join('  '), ...(content ? contentLines(content, text) : [style('dim', '    its body was pruned')])],
  )
}

/** What --json says of a message, beside its body. */
export function recordOf({ id, from, outbox, number, sentAt, receivedAt, content }: Letter): object {
  return {
    ...(id !== undefined && { id }),
    from,
    outbox,
    number,
    sentAt: sentAt.toISOString(),
    receivedAt: receivedAt.toISOString(),
    ...(content ? { attributes: Object.fromEntries(content.attributes), length: content.length } : { pruned: true }),
  }
}

function contentLines({ attributes, length }: Content, text: string | undefined): string[] {
  return [...attributeLines(attributes), ...(text === undefined ? [`    ${formatSize(length)}`] : textLines(text, length))]
}

/** What its sender says of it, where it says more than that it is a text. */
export function attributeLines(attributes: Attributes): string[] {
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
  return shown === text ? lines : [...lines, style('dim', `    and more: ${formatSize(length)} in all`)]
}
