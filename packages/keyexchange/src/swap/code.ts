/** One-time codes: three words of the BIP-39 English list, 33 bits. */
import { randomInt } from 'node:crypto'
import { CliError } from '../cli/exit.ts'
import { nearest } from '../cli/nearest.ts'
import { printable } from '../cli/text.ts'
import { WORDS } from '../words.ts'

const CODE_WORDS = 3
/** How long a code is good; ms */
export const CODE_LIFETIME: number = 10 * 60_000

const known: ReadonlySet<string> = new Set(WORDS)

/** A fresh code: its words, joined by '-'. */
export function freshCode(): string {
  return Array.from({ length: CODE_WORDS }, () => WORDS[randomInt(WORDS.length)]).join('-')
}

/**
 * Reads a code as a person typed it, so that a slip costs nothing.
 *
 * @throws CliError USAGE; names a word that is not in the list, and the nearest one that is
 */
export function readCode(text: string): string {
  const words = text
    .trim()
    .toLowerCase()
    .split(/[\s-]+/)
  for (const word of words) {
    if (known.has(word)) continue
    const message = `"${printable(word)}" is no word of a code; nothing was sent`
    throw new CliError('USAGE', message, `did you mean ${nearestWord(word)}?`)
  }
  if (words.length !== CODE_WORDS) {
    const hint = 'type the words as the listening side shows them, with hyphens or spaces between'
    throw new CliError('USAGE', `a code has ${CODE_WORDS} words, this one ${words.length}; nothing was sent`, hint)
  }
  return words.join('-')
}

/** The word of the list that takes the fewest slips to become `typed`. */
export function nearestWord(typed: string): string {
  return nearest(typed.slice(0, 16), WORDS)!.word
}

/** Completes the last word of a line for Tab: what readline wants of a completer. */
export function completeWord(line: string): [string[], string] {
  const typed = /[a-z]*$/i.exec(line)![0].toLowerCase()
  return [WORDS.filter((word) => word.startsWith(typed)), typed]
}
