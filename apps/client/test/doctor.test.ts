/** `ping` and `doctor`: what works on the way to a server, what does not, and what to do about it. */
import { type Home, type Outcome, run, Sandbox } from '@countersign/testing'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

let sandbox: Sandbox
let pair: { readonly server: Home; readonly client: Home }
let at: string[]

beforeAll(async () => {
  sandbox = new Sandbox()
  pair = sandbox.pair('rsa')
  ;({ at } = await sandbox.serve(pair.server))
})
afterAll(() => sandbox[Symbol.asyncDispose]())

interface CheckLine {
  readonly check: string
  readonly outcome: 'holds' | 'fails' | 'untried'
  readonly what: string
  readonly hint?: string
}

const ALL = ['home', 'key', 'server', 'name', 'port', 'gate', 'server key', 'own key', 'round trip', 'state', 'room', 'outbox']

async function doctor({ root }: Home, ...words: string[]): Promise<Outcome & { checks: CheckLine[] }> {
  const outcome = await run('client', ['doctor', '--json', ...words], { root })
  const lines = outcome.stdout.trimEnd().split('\n')
  const checks = lines.map((line) => JSON.parse(line) as CheckLine).filter(({ check }) => check !== undefined)
  return { ...outcome, checks }
}

/** The first check that fails, and those that could not be tried then. */
function failing(checks: readonly CheckLine[]): object {
  const named = (wanted: CheckLine['outcome']): string[] =>
    checks.filter(({ outcome }) => outcome === wanted).map(({ check }) => check)
  return { fails: named('fails'), untried: named('untried') }
}

test('ping measures the handshake and the way there and back, and says who answered', async () => {
  const { status, stdout } = await run('client', ['ping', '--json', '--count', '3', ...at], { root: pair.client.root })
  expect(status).toBe(0)
  const { fingerprint } = pair.server.key.publicKey
  const time = expect.any(Number)
  expect(JSON.parse(stdout)).toEqual({
    server: { name: pair.server.name, type: 'rsa-3072', fingerprint, words: expect.stringMatching(/^(\w+ ){5}\w+$/) },
    host: '127.0.0.1',
    port: Number(at.at(-1)),
    protocol: 1,
    session: expect.stringMatching(/^[0-9a-f]{64}$/),
    maxItem: 2 ** 53,
    connect: time,
    handshake: time,
    roundTrip: { count: 3, min: time, median: time, max: time },
  })
  const { min, median, max } = (JSON.parse(stdout) as { roundTrip: Record<'min' | 'median' | 'max', number> }).roundTrip
  expect([min > 0, min <= median, median <= max]).toEqual([true, true, true])
})

test('ping keeps to the pace that the protocol allows, however often it is asked to', async (context) => {
  if (process.env['TEST_FULL'] !== '1') context.skip('it takes 6 s: with TEST_FULL=1')
  const { status, stdout } = await run('client', ['ping', '--count', '70', ...at], { root: pair.client.root })
  expect([status, stdout]).toEqual([0, expect.stringContaining('70 there and back: ')])
})

test('doctor finds that all holds, and then exits with 0', async () => {
  const before = await doctor(pair.client, ...at)
  expect([before.status, before.checks.map(({ check }) => check)]).toEqual([0, ALL])
  expect(failing(before.checks)).toEqual({ fails: [], untried: ['outbox'] })
  await run('client', ['send', 'hello', ...at], { root: pair.client.root })
  const after = await doctor(pair.client, ...at)
  expect([after.status, failing(after.checks), after.stderr]).toEqual([0, { fails: [], untried: [] }, ''])
  expect(after.checks.at(-1)).toEqual({ check: 'clock', outcome: 'holds', what: 'the last receipts fit this clock' })
})

describe('doctor names the first thing that does not hold, what could not be tried then, and a hint', () => {
  const rest = (after: string): string[] => ALL.slice(ALL.indexOf(after) + 1, ALL.indexOf('state'))

  test('no home', async () => {
    const { status, checks, stderr } = await doctor({ ...pair.client, root: join(sandbox.folder, 'nowhere') })
    expect([status, checks.map(({ check, outcome }) => [check, outcome])]).toEqual([4, [['home', 'fails']]])
    expect(stderr).toMatch(/^error: one thing is not as it should be.*\nhint: make one with `keys init/)
  })

  test('no server, a name that is none, and a port that is closed', async () => {
    const lonely = await doctor(sandbox.home('client', 'lonely'))
    expect([lonely.status, failing(lonely.checks)]).toEqual([4, { fails: ['server'], untried: [...rest('server'), 'outbox'] }])
    const unnamed = await doctor(pair.client, '--host', 'nowhere.invalid')
    expect([unnamed.status, failing(unnamed.checks)]).toEqual([8, { fails: ['name'], untried: rest('name') }])
    const closed = await doctor(pair.client, '--host', '127.0.0.1', '--port', '1')
    expect([closed.status, failing(closed.checks)]).toEqual([8, { fails: ['port'], untried: rest('port') }])
    expect(closed.checks.find(({ check }) => check === 'port')?.hint).toMatch(/check the address/)
  })

  test('something else on the port, another key, and a server that does not know this one', async () => {
    await using silence = createServer((socket) => socket.on('error', () => {}).resume())
    await new Promise<void>((resolve) => silence.listen(0, '127.0.0.1', resolve))
    const port = String((silence.address() as { port: number }).port)
    const silent = await doctor(pair.client, '--host', '127.0.0.1', '--port', port, '--timeout', '0.5')
    expect([silent.status, failing(silent.checks)]).toEqual([12, { fails: ['gate'], untried: rest('gate') }])
    const stranger = sandbox.home('client', 'stranger')
    sandbox.trust(stranger, pair.server)
    const unknown = await doctor(stranger, ...at)
    expect([unknown.status, failing(unknown.checks)]).toEqual([11, { fails: ['own key'], untried: ['round trip', 'outbox'] }])
    expect(unknown.checks.find(({ check }) => check === 'own key')?.hint).toMatch(/keys swap/)
  })

  test('a clock that is far from the receipts, and an outbox that is damaged', async () => {
    const late = sandbox.pair()
    const serving = await sandbox.serve(late.server)
    await run('client', ['send', 'hello', ...serving.at], { root: late.client.root })
    const file = join(late.client.root, 'state/client/outbox.db')
    const database = new DatabaseSync(file)
    database.exec('UPDATE envelope SET queued_at = queued_at + 3600000; PRAGMA wal_checkpoint(TRUNCATE)')
    database.close()
    const behind = await doctor(late.client, ...serving.at)
    expect([behind.status, failing(behind.checks)]).toEqual([10, { fails: ['clock'], untried: [] }])
    expect(behind.checks.at(-1)!.what).toMatch(/^the clock of server-\d+ is 3(600|5\d\d) s behind, or more$/)
    writeFileSync(file, Buffer.alloc(8192, 7), { flag: 'r+' })
    const damaged = await doctor(late.client, ...serving.at)
    expect([damaged.status, failing(damaged.checks)]).toEqual([14, { fails: ['outbox'], untried: ['clock'] }])
  })
})
