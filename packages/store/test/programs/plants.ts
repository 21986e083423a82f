/**
 * Loaded before a program, breaks one promise of the product in its source: what the checker is tried on.
 *
 * A plant whose place in the source is gone ends the program.
 */
import { registerHooks } from 'node:module'

interface Plant {
  /** The end of the file's path. */
  readonly file: string
  readonly cut: string
  readonly put: string
}

const SIGN_ANEW = new URL('sign-anew.ts', import.meta.url).href

export type PlantName = 'synchronous=NORMAL' | 'receipt before commit' | 'no place check' | 'receipts signed anew'

const PLANTS: Readonly<Record<PlantName, readonly Plant[]>> = {
  'synchronous=NORMAL': [{ file: 'store/src/database.ts', cut: 'synchronous = FULL', put: 'synchronous = NORMAL' }],
  'receipt before commit': [{ file: 'core/src/delivery/ledger.ts', cut: '      await stored\n', put: '' }],
  'no place check': [
    { file: 'store/src/journal-tables.ts', cut: 'if (receipts !== index - 1) throw new Refused()', put: '' },
    // The schema would stop some of it too.
    { file: 'store/src/journal-schema.ts', cut: 'UNIQUE (place, digest)', put: 'CHECK (place > 0)' },
  ],
  'receipts signed anew': [
    {
      file: 'core/src/delivery/receiver.ts',
      cut: 'this.#ledger.answer(known)',
      put: `this.#ledger.answer(await import('${SIGN_ANEW}').then((anew) => anew.signAnew(this.#options.identity, incoming.message, known)))`,
    },
  ],
}

/** How a program is started with this in it. */
export function planted(name: PlantName): { preload: string[]; env: Record<string, string> } {
  return { preload: [import.meta.filename], env: { PLANT: name } }
}

const chosen = process.env['PLANT'] as PlantName | undefined
if (chosen !== undefined) {
  const plants = PLANTS[chosen]
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context)
      const plant = plants.find(({ file }) => url.endsWith(file))
      if (plant === undefined) return loaded
      const source = Buffer.from(loaded.source as Uint8Array).toString()
      if (!source.includes(plant.cut)) throw new Error(`${plant.file} has no "${plant.cut}"`)
      return { ...loaded, source: source.replace(plant.cut, plant.put) }
    },
  })
}
