/** What another command changes of this side's keys while a person types a passphrase. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { CliError } from '../../src/cli/exit.ts'
import type { HomePaths } from '../../src/home/layout.ts'
import { changePassphrase } from '../../src/home/passphrase.ts'
import { rotate } from '../../src/home/rotate.ts'
import { contentOf } from '../program.ts'
import { makeHome, never, open } from './homes.ts'

const HOUR = 3_600_000
const OLD = 'the old one'

async function encryptedHome(): Promise<string> {
  const root = await makeHome()
  await changePassphrase(open(root).paths, never, () => OLD)
  return root
}

async function rotatedHome(): Promise<string> {
  const root = await makeHome()
  await rotate(open(root).paths, never, HOUR)
  return root
}

/** All that a home holds, by its files. */
function stateOf(root: string): Record<string, string> {
  const files = readdirSync(join(root, 'client'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Object.fromEntries(files.map(({ parentPath, name }) => [join(parentPath, name), contentOf(parentPath, name)]))
}

type Ask = () => Promise<string>

/** A home, what asks for a passphrase there, and what another command does meanwhile. */
type Row = readonly [
  what: string,
  make: () => Promise<string>,
  command: (paths: HomePaths, ask: Ask) => Promise<unknown>,
  other: (paths: HomePaths) => unknown,
]

const rows: readonly Row[] = [
  [
    'a rotation while a new passphrase is typed is not undone',
    () => makeHome(),
    (paths, ask) => changePassphrase(paths, never, ask),
    (paths) => rotate(paths, never, HOUR),
  ],
  [
    'a rotation while the passphrase for another one is typed is not undone',
    encryptedHome,
    (paths, ask) => rotate(paths, ask, HOUR),
    (paths) => rotate(paths, () => OLD, HOUR),
  ],
  [
    'an old private key that goes with its overlap while a new passphrase is typed does not come back',
    rotatedHome,
    (paths, ask) => changePassphrase(paths, never, ask),
    (paths) => rmSync(paths.previous),
  ],
]

test.each(rows)('%s', async (_, make, command, other) => {
  const root = await make()
  const { paths } = open(root)
  let left = {}
  const error = await command(paths, async () => {
    await other(paths)
    left = stateOf(root)
    return OLD
  }).then(
    () => undefined,
    (error: CliError) => error,
  )
  expect(error).toMatchObject({ code: 'CONFLICT', hint: 'run it again' })
  expect(error!.message).toMatch(/^another command has changed \S+\.pem meanwhile; this one has changed nothing$/)
  expect(stateOf(root)).toEqual(left)
})

test('where nobody else changes anything the passphrase is another one', async () => {
  const root = await encryptedHome()
  const { paths } = open(root)
  await changePassphrase(
    paths,
    () => OLD,
    () => 'the new one',
  )
  await expect(rotate(paths, () => OLD, HOUR)).rejects.toMatchObject({ code: 'KEY_PASSPHRASE' })
  await rotate(paths, () => 'the new one', HOUR)
})
