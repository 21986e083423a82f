/** Every setting can be said in three places, the nearer counts, and what is no good is named by its place. */
import { CliError } from '@countersign/keyexchange/cli'
import { run, Sandbox } from '@countersign/testing'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { Configuration } from '../../src/settings/configuration.ts'
import { readSettings, type Sources } from '../../src/settings/read.ts'
import { flagOf, SETTING_NAMES, SETTINGS, type SettingName, variableOf } from '../../src/settings/table.ts'

const FILE = '/etc/countersign/server.json'

/** Three good values of each setting, and what they come to; and one that is none. */
const VALUES: { readonly [N in SettingName]: readonly [said: readonly unknown[], read: readonly unknown[], bad: unknown] } = {
  host: [['a', 'b.example', '::1'], ['a', 'b.example', '::1'], 'a b'],
  port: [['1', '2', 3], [1, 2, 3], 65_536],
  timeout: [['1', '2.5', 3], [1, 2.5, 3], 'soon'],
  pingAfter: [['1', '2', 3], [1, 2, 3], 0],
  idleAfter: [['100', '200', 300], [100, 200, 300], -1],
  mostHandshakes: [['1', '2', 3], [1, 2, 3], 1.5],
  mostHandshakesPerAddress: [['1', '2', 3], [1, 2, 3], 0],
  mostSessions: [['1', '2', 3], [1, 2, 3], 'many'],
  maxMessage: [['1K', '2M', 3], [1024, 2 * 1024 * 1024, 3], 'long'],
  policy: [['/a', '/b', { default: {} }], [{ path: '/a' }, { path: '/b' }, { inline: { default: {} } }], []],
  ephemeral: [[true, 'no', true], [true, false, true], 'perhaps'],
  exec: [['/a', '/b', 'c'], ['/a', '/b', '/etc/countersign/c'], ''],
  webhook: [['http://a/', 'https://b/', 'http://c/'], ['http://a/', 'https://b/', 'http://c/'], 'ftp://a/'],
  hookTries: [['1', '2', 3], [1, 2, 3], 'often'],
  hookTimeout: [['1', '2', 3], [1, 2, 3], 0],
  metrics: [
    ['9464', 'localhost:1', 'unix:metrics.sock'],
    [{ host: '127.0.0.1', port: 9464 }, { host: 'localhost', port: 1 }, { path: '/etc/countersign/metrics.sock' }],
    'here',
  ],
  metricsPublic: [[true, '0', true], [true, false, true], 2],
  logLevel: [['error', 'debug', 'warn'], ['error', 'debug', 'warn'], 'loud'],
  logFormat: [['json', 'text', 'json'], ['json', 'text', 'json'], 'xml'],
  trace: [[true, 'false', true], [true, false, true], 'some'],
}

const NOTHING: Sources = { flags: {}, environment: {}, file: undefined }

describe.each(SETTING_NAMES)('%s', (name) => {
  const [[flag, variable, filed], [byFlag, byVariable, byFile], bad] = VALUES[name]
  const flags = { [name]: flag }
  const environment = { [variableOf(name)]: variable as string }
  const file = { path: FILE, values: { [name]: filed } }
  const read = (sources: Partial<Sources>): unknown => readSettings({ ...NOTHING, ...sources })[name]

  test('is taken from the flag before the environment, from that before the file, from that before the default', () => {
    expect(read({})).toEqual(SETTINGS[name].default)
    expect(read({ file })).toEqual(byFile)
    expect(read({ file, environment })).toEqual(byVariable)
    expect(read({ file, environment, flags })).toEqual(byFlag)
  })

  test('that is no good is told with the flag, the variable or the file that says so', () => {
    const told = (sources: Partial<Sources>): CliError => {
      try {
        read(sources)
      } catch (error) {
        return error as CliError
      }
      throw new Error('it was taken')
    }
    const places: [Partial<Sources>, string][] = [
      [{ flags: { [name]: bad } }, flagOf(name)],
      [{ file: { path: FILE, values: { [name]: bad } } }, `"${name}" in ${FILE}`],
    ]
    // An empty variable is none, and every other text may be a path.
    if (typeof bad === 'number' || (typeof bad === 'string' && bad !== ''))
      places.push([{ environment: { [variableOf(name)]: String(bad) } }, variableOf(name)])
    for (const [sources, place] of places) {
      const { code, message, hint } = told(sources)
      expect([code, message]).toEqual([
        'USAGE',
        expect.stringMatching(`^${place.replaceAll('.', String.raw`\.`)} is .*, and should be `),
      ])
      expect(hint).not.toBe('')
    }
  })
})

test('what is no setting is refused by its name', () => {
  expect(() => readSettings({ ...NOTHING, file: { path: FILE, values: { prot: 1 } } })).toThrow(
    /no setting "prot", which .*server\.json/,
  )
})

test.each([
  [{ pingAfter: '90' }, /would end unasked/],
  [{ ephemeral: true, exec: '/bin/true' }, /hooks need the journal/],
  [{ metrics: '0.0.0.0:9464' }, /reached from outside/],
  [{ metrics: '[::]:9464' }, /reached from outside/],
])('%j together are refused', (flags, message) => {
  expect(() => readSettings({ ...NOTHING, flags })).toThrow(message)
})

test('other machines may ask for metrics where that is said', () => {
  const flags = { metrics: '0.0.0.0:9464', metricsPublic: true }
  expect(readSettings({ ...NOTHING, flags }).metrics).toEqual({ host: '0.0.0.0', port: 9464 })
})

test('read anew, what can change does, the rest is named, and with anything wrong nothing does', () => {
  const values: Record<string, unknown> = {}
  const configuration = new Configuration(() => ({ ...NOTHING, file: { path: FILE, values: { ...values } } }))
  Object.assign(values, { timeout: 3, port: 1, policy: { default: { maxLength: 5 } } })
  expect(configuration.reload()).toEqual({ changed: ['timeout', 'policy'], waiting: ['port'] })
  expect(configuration.settings).toMatchObject({ timeout: 3, port: 11_564 })
  expect(configuration.rulesOf({ keys: [] })).toEqual({ maxLength: 5 })
  Object.assign(values, { timeout: 4, policy: { default: { maxLenght: 5 } } })
  expect(() => configuration.reload()).toThrow(/unknown rule/)
  expect(configuration.settings.timeout).toBe(3)
  expect(configuration.rulesOf({ keys: [] })).toEqual({ maxLength: 5 })
})

describe('the program', () => {
  const sandbox = new Sandbox()
  afterAll(() => sandbox[Symbol.asyncDispose]())

  test('reads the file of its home, or the one that is named, and says who says what', async () => {
    const home = sandbox.home('server')
    writeFileSync(join(home.folder, 'server.json'), '{ "port": 1, "timeout": 2, "exec": "hook" }')
    const settings = async (
      words: string[],
      env: Record<string, string>,
    ): Promise<Map<string, { value: unknown; by: string }>> => {
      const { stdout, stderr } = await run('server', ['settings', '--json', ...words], { root: home.root, env })
      expect(stderr).toBe('')
      const lines = stdout.trimEnd().split('\n')
      return new Map(
        lines.map((line) => JSON.parse(line) as { name: string; value: unknown; by: string }).map((said) => [said.name, said]),
      )
    }
    const said = await settings(['--hook-tries', '3', '--no-ephemeral'], { COUNTERSIGN_TIMEOUT: '5' })
    expect([...said.keys()]).toEqual(SETTING_NAMES)
    expect(said.get('port')).toMatchObject({ value: 1, by: 'file' })
    expect(said.get('timeout')).toMatchObject({ value: 5, by: 'environment' })
    expect(said.get('hookTries')).toMatchObject({ value: 3, by: 'flag' })
    expect(said.get('ephemeral')).toMatchObject({ value: false, by: 'flag' })
    expect(said.get('exec')).toMatchObject({ value: join(home.folder, 'hook'), by: 'file' })
    const other = join(sandbox.folder, 'other.json')
    writeFileSync(other, '{ "port": 7 }')
    expect((await settings(['--config', other], {})).get('port')).toMatchObject({ value: 7, by: 'file' })
  })

  test.each([
    ['{ "port": "http" }', 0o644, 2, /^error: "port" in .*server\.json is "http", and should be a whole number.*\nhint: .*\n$/],
    ['{ port: 1 }', 0o644, 2, /^error: .*server\.json is no JSON: .*\nhint: correct it there\n$/],
    ['[]', 0o644, 2, /^error: .*server\.json holds no object\nhint: .*\n$/],
    ['{}', 0o666, 5, /^error: others can write .*server\.json.*\nhint: chmod go-w .*\n$/],
  ])('does not serve with the file %s of mode %o', async (text, mode, status, told) => {
    const home = sandbox.home('server', `bad-${status}-${text.length}`)
    const path = join(home.folder, 'server.json')
    writeFileSync(path, text)
    chmodSync(path, mode)
    expect(await run('server', [], { root: home.root })).toMatchObject({
      status,
      stdout: '',
      stderr: expect.stringMatching(told),
    })
  })
})
