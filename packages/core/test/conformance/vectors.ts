/**
 * Outside test data, read from the folder that CONFORMANCE_VECTORS names, and how our answers are held against it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'vitest'

const folder = process.env['CONFORMANCE_VECTORS'] ?? ''

/** The content of one file of the folder; where no folder is named the test is skipped, and says so. */
export function vectors(context: TestContext, file: string): unknown {
  if (folder === '') {
    console.log(`${file}: skipped, because CONFORMANCE_VECTORS names no folder of vectors`)
    context.skip('CONFORMANCE_VECTORS names no folder of vectors')
  }
  return JSON.parse(readFileSync(join(folder, file), 'utf8'))
}

/** The fields of one object of a file. One that is missing throws, so that no check can pass for want of an input. */
export class Fields {
  readonly #record: Readonly<Record<string, unknown>>

  constructor(record: unknown) {
    this.#record = record as Readonly<Record<string, unknown>>
  }

  has(name: string): boolean {
    return name in this.#record
  }

  text(name: string): string {
    const value = this.#record[name]
    if (typeof value !== 'string') throw new TypeError(`${name} is not a string`)
    return value
  }

  /** Of a field in hexadecimal. */
  bytes(name: string): Uint8Array {
    return Uint8Array.from(Buffer.from(this.text(name), 'hex'))
  }

  number(name: string): number {
    const value = this.#record[name]
    if (typeof value !== 'number') throw new TypeError(`${name} is not a number`)
    return value
  }

  list(name: string): unknown[] {
    const value = this.#record[name]
    if (!Array.isArray(value)) throw new TypeError(`${name} is not a list`)
    return value
  }
}

/**
 * Whether ours accepts a case, or in words why this protocol never meets it. False is for a refusal alone: where ours
 * gives something out, the answer itself checks that it is what the file says.
 */
type Answer = boolean | string

/** Which of the cases that Wycheproof leaves to the implementation ours accepts, and the rule in words. */
interface Acceptable {
  accepts(flags: readonly unknown[]): boolean
  readonly rule: string
}

/** Holds one answer of ours against each case of a Wycheproof file, prints the counts, returns the disagreements. */
export async function wycheproof(
  context: TestContext,
  file: string,
  answer: (inputs: Fields, group: Fields) => Answer | Promise<Answer>,
  acceptable?: Acceptable,
): Promise<string[]> {
  const content = new Fields(vectors(context, `wycheproof/${file}`))
  const counts = new Map<string, number>()
  const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1)
  const disagreements: string[] = []
  let cases = 0

  for (const group of content.list('testGroups').map((each) => new Fields(each))) {
    for (const inputs of group.list('tests').map((each) => new Fields(each))) {
      cases++
      const ours = await answer(inputs, group)
      if (typeof ours === 'string') {
        count(`out of profile: ${ours}`)
        continue
      }
      const theirs = inputs.text('result')
      count(`${theirs}, ${ours ? 'accepted' : 'rejected'}`)
      const expected = theirs === 'acceptable' ? acceptable?.accepts(inputs.list('flags')) : theirs === 'valid'
      if (ours !== expected) disagreements.push(`case ${inputs.number('tcId')}, ${theirs}, ${ours ? 'accepted' : 'rejected'}`)
    }
  }

  if (cases !== content.number('numberOfTests')) disagreements.push(`${cases} cases were read, not all`)
  if (!counts.has('valid, accepted')) disagreements.push('no valid case was accepted')
  const lines = [...counts].map(([what, n]) => `${n} ${what}`).toSorted()
  if (acceptable) lines.push(`"acceptable" is ${acceptable.rule}`)
  console.log([`${file}: ${cases} cases, ${disagreements.length} deviations`, ...lines].join('\n  '))
  return disagreements
}
