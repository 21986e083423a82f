/** Every attack, by the path of its file. */
import { globSync } from 'node:fs'
import type { Attack } from './harness/attack.ts'

const here = import.meta.dirname
const paths = globSync('{wire,peer,load,edges}/*.ts', { cwd: here, exclude: ['**/*.worker.ts'] }).toSorted()

export const attacks: readonly { readonly path: string; readonly attack: Attack }[] = await Promise.all(
  paths.map(async (path) => {
    const { attack } = (await import(`./${path}`)) as { attack: Attack }
    return { path, attack }
  }),
)
