/** A check that is taken out, and who has to notice. */

/** Tests of one package: files or folders of it, or the attack whose path this is. */
export type Catcher = { readonly tests: readonly string[]; readonly of: string } | { readonly attack: string }

export interface Mutant {
  /** What is no longer checked. */
  readonly check: string
  /** Where it stands, below the repository. */
  readonly file: string
  /** Exactly one place in that file, however its words are spaced, and what it becomes. */
  readonly find: string
  readonly put: string
  readonly by: Catcher
  /** Pure defence in depth: why nothing shows that it is gone. */
  readonly depth?: string
}

export function core(...tests: readonly string[]): Catcher {
  return { tests: tests.map((path) => `test/${path}`), of: 'packages/core' }
}

export function keyexchange(...tests: readonly string[]): Catcher {
  return { tests: tests.map((path) => `test/${path}`), of: 'packages/keyexchange' }
}

export function store(...tests: readonly string[]): Catcher {
  return { tests: tests.map((path) => `test/${path}`), of: 'packages/store' }
}

/** The file without the check; undefined where that does not stand once where the list says. */
export function without(source: string, { find, put }: Pick<Mutant, 'find' | 'put'>): string | undefined {
  const words = find.split(/\s+/).filter(Boolean)
  const pattern = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('\\s+')
  const places = [...source.matchAll(new RegExp(pattern, 'g'))]
  return places.length === 1 ? source.replace(places[0]![0], () => put) : undefined
}

/** Mutants of one file that the same tests have to notice. */
export function within(
  file: string,
  by: Catcher,
  ...found: readonly (readonly [check: string, find: string, put: string, other?: Catcher | string])[]
): Mutant[] {
  return found.map(([check, find, put, other]) => ({
    check,
    file,
    find,
    put,
    by: typeof other === 'object' ? other : by,
    ...(typeof other === 'string' && { depth: other }),
  }))
}
