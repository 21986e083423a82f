/** Two real programs on loopback. */
import { type Algorithm, readPublicKey } from '@countersign/core'
import { hex } from '@countersign/core/protocol'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  type CodeEvent,
  contentOf,
  dialing,
  file,
  filesIn,
  keys,
  keysJson,
  listening,
  madeHome,
  modeOf,
  Running,
  temporaryFolder,
} from '../program.ts'

interface KeyRow {
  readonly fingerprint: string
  readonly status: string
  readonly name: string
}

async function rows(root: string): Promise<KeyRow[]> {
  return ((await keysJson(['--root', root, 'list'])) as { keys: KeyRow[] }).keys
}

const types: [Algorithm, Algorithm][] = [
  ['ed25519', 'ml-dsa-65'],
  ['ml-dsa-65', 'rsa'],
  ['rsa', 'ed25519'],
]

test.each(types)('a server with %s and a client with %s hold each other’s key after one run', async (a, b) => {
  const server = await madeHome('server', { name: 'ben', algorithm: a })
  const client = await madeHome('client', { name: 'ada', algorithm: b })
  const { listener, event, port } = await listening(server)
  const dialed = await dialing(client, port, event.code).exited
  expect([dialed.status, (await listener.exited).status]).toEqual([0, 0])

  const spki = (...path: string[]): string => hex(readPublicKey(contentOf(...path)).spki)
  expect(spki(client, 'client/peers/ben.pem')).toBe(spki(server, 'server/identity.pub.pem'))
  expect(spki(server, 'server/peers/ada.pem')).toBe(spki(client, 'client/identity.pub.pem'))
  expect(modeOf(join(server, 'server/peers/ada.pem'))).toBe('644')
  expect(contentOf(client, 'client/peers/ben.pem')).toMatch(
    /^name: ben\ndate: .*\naddress: 127\.0\.0\.1:11564\norigin: swapped with a code\n-----BEGIN/,
  )
})

test('what each side sees', async () => {
  const [server, client] = [await madeHome('server', { name: 'ben' }), await madeHome('client', { name: 'ada' })]
  const [ben, ada] = [(await rows(server))[0]!, (await rows(client))[0]!]
  const { listener, event, port } = await listening(server)
  const dialed = await dialing(client, port, event.code).exited
  expect(event).toEqual({
    event: 'code',
    code: expect.stringMatching(/^[a-z]+-[a-z]+-[a-z]+$/) as string,
    address: `127.0.0.1:${port}`,
  })
  expect(JSON.parse(dialed.stdout)).toMatchObject({
    event: 'swapped',
    peer: 'ben',
    confirmed: true,
    fingerprint: ben.fingerprint,
  })
  expect(await listener.event()).toMatchObject({ event: 'swapped', peer: 'ada', confirmed: true, fingerprint: ada.fingerprint })
  expect([dialed.stderr, (await listener.exited).stderr]).toEqual(['', ''])
})

test('a person sees the code, and the command for the other machine', async () => {
  const server = temporaryFolder()
  const listener = new Running(['--root', server, 'swap', '--listen', '127.0.0.1:0', '--yes'])
  while (!/^ {2}[a-z]+-[a-z]+-[a-z]+$/m.test(listener.stdout)) await listener.output()
  listener.interrupt()
  const { status, stdout, stderr } = await listener.exited
  expect(stdout).toMatch(
    /^On the other machine run\n {2}countersign-keys swap --connect 127\.0\.0\.1:\d+\nand type this code, which is good once and for ten minutes:\n {2}[a-z]+-[a-z]+-[a-z]+\n$/,
  )
  expect(stderr).toMatch(/^made .*, which was missing, with a key of its own\nerror: interrupted\nhint: run it again to go on\n$/)
  expect(status).toBe(130)
})

test('swapping again finds the same keys, and changes nothing', async () => {
  const [server, client] = [temporaryFolder(), temporaryFolder()]
  const once = async (): Promise<unknown[]> => {
    const { listener, event, port } = await listening(server)
    const [dialed, listened] = [await dialing(client, port, event.code).exited, await listener.exited]
    return [dialed.status, listened.status]
  }
  expect(await once()).toEqual([0, 0])
  const before = [await rows(server), await rows(client)]
  expect(await once()).toEqual([0, 0])
  expect([await rows(server), await rows(client)]).toEqual(before)
})

test('a home is made where it is missing, under the passphrase that is given', async () => {
  const [server, client] = [temporaryFolder(), temporaryFolder()]
  const passphrase = file(client, 'passphrase', 'correct horse\n')
  const { event, port } = await listening(server)
  const dialed = await dialing(client, port, event.code, ['--passphrase-file', passphrase]).exited
  expect(dialed.status).toBe(0)
  expect(contentOf(client, 'client/identity.pem')).toContain('BEGIN ENCRYPTED PRIVATE KEY')
})

test('--peer names the other side otherwise', async () => {
  const [server, client] = [temporaryFolder(), temporaryFolder()]
  const { event, port } = await listening(server, '--peer', 'laptop')
  await dialing(client, port, event.code, ['--peer', 'hub']).exited
  expect(filesIn(join(client, 'client/peers'))).toEqual(['hub.pem'])
  expect(filesIn(join(server, 'server/peers'))).toEqual(['laptop.pem'])
})

test.each([
  ['abandn-ability-able', 'did you mean abandon?'],
  ['abandon-abiltiy-able', 'did you mean ability?'],
  ['abandon-ability', 'type the words as the listening side shows them, with hyphens or spaces between'],
])('the slip in %s is caught before anything is sent', async (code, hint) => {
  const folder = temporaryFolder()
  // Nothing listens on port 9: a connection would end as a network failure.
  const { status, stderr } = await keys(['--root', folder, 'swap', '--connect', '127.0.0.1:9', '--yes', '--code-file', '-'], {
    stdin: `${code}\n`,
  })
  expect(status).toBe(2)
  expect(stderr).toContain('nothing was sent')
  expect(stderr).toContain(`hint: ${hint}\n`)
})

test('words in capitals and with spaces between are the same code', async () => {
  const [server, client] = [temporaryFolder(), temporaryFolder()]
  const { event, port } = await listening(server)
  const dialed = await dialing(client, port, event.code.toUpperCase().replaceAll('-', '  ')).exited
  expect(dialed.status).toBe(0)
})

test('nobody listens there: exit status 8, and the code was not used', async () => {
  const { status, stderr } = await keys(
    ['--root', temporaryFolder(), 'swap', '--connect', '127.0.0.1:9', '--yes', '--code-file', '-'],
    {
      stdin: 'abandon-ability-able\n',
    },
  )
  expect(status).toBe(8)
  expect(stderr).toMatch(
    /error: no connection to 127\.0\.0\.1 port 9 \(ECONNREFUSED\); nothing was sent\nhint: .*the code was not used\n$/,
  )
})

test('where nobody can be asked, --yes must stand, before a code is used up', async () => {
  const { status, stderr } = await keys(['--root', temporaryFolder(), 'swap', '--listen', '127.0.0.1:0'])
  expect(status).toBe(2)
  expect(stderr).toMatch(/hint: add --yes/)
})

test('a port in use is a network failure', async () => {
  const { port } = await listening(temporaryFolder())
  const { status, stderr } = await keys(['--root', temporaryFolder(), 'swap', '--listen', `127.0.0.1:${port}`, '--yes'])
  expect(status).toBe(8)
  expect(stderr).toMatch(/hint: another program listens there/)
})

test('`keys` with no words makes two homes that trust each other, and then changes nothing', async () => {
  const root = temporaryFolder()
  const first = (await keysJson(['--root', root])) as { changed: boolean; homes: { fingerprint: string }[] }
  expect(first.changed).toBe(true)
  const listed = (await rows(root)).map(({ status, name, fingerprint }) => [status, name, fingerprint])
  const [server, client] = first.homes.map(({ fingerprint }) => fingerprint)
  expect(listed).toEqual([
    ['own', 'client', client],
    ['peer', 'server', server],
    ['own', 'server', server],
    ['peer', 'client', client],
  ])
  expect(await keysJson(['--root', root])).toEqual({
    ...first,
    changed: false,
    homes: first.homes.map((home) => ({ ...home, made: false })),
  })
})

test('a code event says why the one before is spent', async () => {
  const [server, client] = [temporaryFolder(), temporaryFolder()]
  const { listener, event, port } = await listening(server)
  await dialing(client, port, event.code === 'zoo-zoo-zoo' ? 'zoo-zoo-zone' : 'zoo-zoo-zoo').exited
  const next = (await listener.event()) as CodeEvent
  expect(next.spent).toBe('wrong')
  expect(next.code).not.toBe(event.code)
})
