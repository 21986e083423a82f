/** Whether a program printed what a page shows, where keys, codes, times and addresses are others each time. */

import { stripVTControlCharacters } from 'node:util'

/** What stands for what: values of a page, and those of this run. A value that a page repeats has to be the same one each time. */
export type Bindings = ReadonlyMap<string, string>

const WORD = '[a-z]{3,8}'

/** Parts of a line that are others each time. Those of `bound` are tied to one value for the whole story. */
const VOLATILE = new RegExp(
  [
    String.raw`(?<fingerprint>sha256\/\/[A-Za-z0-9+/]{43}=)`,
    String.raw`(?<code>\b${WORD}-${WORD}-${WORD}\b)`,
    `(?<words>(?<=^ +)${WORD}(?: ${WORD}){5}$)`,
    String.raw`(?<hex>\b[0-9a-f]{16,}\b)`,
    String.raw`(?<time>\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z| UTC)?)`,
    String.raw`(?<address>\b(?:\d{1,3}\.){3}\d{1,3}\b|\blocalhost\b)`,
    String.raw`(?<process>(?<=\bprocess )\d+)`,
    String.raw`(?<duration>\b\d+(?:\.\d+)? (?:us|µs|ms|s)\b)`,
  ].join('|'),
  'gu',
)
const bound = new Set(['fingerprint', 'code', 'words', 'hex'])

/**
 * Compares what was printed with what is shown, from the first line on; more lines may follow.
 *
 * @returns how many lines of `printed` are covered, and what stands for what now; undefined where they differ
 */
export function compare(
  shown: readonly string[],
  printed: readonly string[],
  bindings: Bindings,
  whole: boolean,
): { readonly lines: number; readonly bindings: Bindings } | undefined {
  const [first, ...rest] = shown
  if (first === undefined) return whole && printed.length > 0 ? undefined : { lines: 0, bindings }
  if (first.trim() === '…') {
    for (let skipped = 0; skipped <= printed.length; skipped++) {
      const found = compare(rest, printed.slice(skipped), bindings, whole)
      if (found) return { ...found, lines: found.lines + skipped }
    }
    return undefined
  }
  const [line, ...later] = printed
  const after = line === undefined ? undefined : compareLine(first, line, bindings)
  const found = after && compare(rest, later, after, whole)
  return found && { ...found, lines: found.lines + 1 }
}

function compareLine(shown: string, printed: string, bindings: Bindings): Bindings | undefined {
  const [ours, theirs] = [partsOf(shown), partsOf(printed)]
  if (ours.length !== theirs.length) return undefined
  const after = new Map(bindings)
  for (const [i, { kind, value }] of ours.entries()) {
    const other = theirs[i]!
    if (other.kind !== kind) return undefined
    if (kind === 'text' && squeezed(value) !== squeezed(other.value)) return undefined
    if (!bound.has(kind)) continue
    const known = after.get(value)
    if (known === undefined ? [...after.values()].includes(other.value) : known !== other.value) return undefined
    after.set(value, other.value)
  }
  return after
}

/** Columns are as wide as their longest value, which may be another one. */
function squeezed(text: string): string {
  return text.replaceAll(/ {2,}/g, '  ')
}

function partsOf(line: string): { kind: string; value: string }[] {
  const parts = []
  let end = 0
  const trimmed = line.trimEnd()
  for (const match of trimmed.matchAll(VOLATILE)) {
    const [kind, value] = Object.entries(match.groups!).find(([, found]) => found !== undefined)!
    parts.push({ kind: 'text', value: trimmed.slice(end, match.index) }, { kind, value })
    end = match.index + value.length
  }
  return [...parts, { kind: 'text', value: trimmed.slice(end) }]
}

/** A line of a page, with the values of this run. */
export function translated(line: string, bindings: Bindings): string {
  let text = line.replaceAll(/\b192\.0\.2\.\d+\b/g, '127.0.0.1')
  for (const [ours, theirs] of bindings) text = text.replaceAll(ours, theirs)
  return text
}

/** What a terminal shows after all this was written to it, as lines; the last one is still open. */
export function screen(raw: string): string[] {
  const text = stripVTControlCharacters(raw.replaceAll(/\r*\n/g, '\n').replaceAll('\u001B[1G', '\r'))
  return text.split('\n').map((line) => line.slice(line.lastIndexOf('\r') + 1))
}
