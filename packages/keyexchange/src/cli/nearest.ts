/** What somebody may have meant to type. */

/** The first of the words that take the fewest slips to become `typed`; undefined where there are none. */
export function nearest(typed: string, words: readonly string[]): { readonly word: string; readonly slips: number } | undefined {
  let found: { word: string; slips: number } | undefined
  for (const word of words) {
    const slips = distance(typed, word)
    if (found === undefined || slips < found.slips) found = { word, slips }
  }
  return found
}

/** Letters added, left out, changed, or swapped with their neighbour (optimal string alignment). */
function distance(a: string, b: string): number {
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const changed = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before[j - 2]! + 1 : Infinity
      row.push(Math.min(row[j - 1]! + 1, above[j]! + 1, changed, swapped))
    }
    ;[before, above] = [above, row]
  }
  return above[b.length]!
}
