/** Text for people: what came from elsewhere is made harmless, what is ours may have colour. */
import { styleText } from 'node:util'

/** C0 and C1 controls, line and paragraph separators, and what reorders text from right to left. */
// oxlint-disable-next-line no-control-regex -- control characters are what it is for
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g

/**
 * A text from a peer, a file or the network as one line that cannot move the cursor, change colours or reorder what
 * stands beside it: each such character is shown as `\u{1b}`.
 */
export function printable(text: string): string {
  return text.toWellFormed().replaceAll(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)
}

type Style = Parameters<typeof styleText>[0]

/** Colours a text where standard output is a terminal and NO_COLOR is not set. */
export function style(format: Style, text: string): string {
  return styleText(format, text, { stream: process.stdout })
}

/** The same for standard error. */
export function styleError(format: Style, text: string): string {
  return styleText(format, text, { stream: process.stderr })
}
