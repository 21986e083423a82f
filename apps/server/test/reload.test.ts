/** SIGHUP: a running server takes new settings, policy and keys, and nobody is disconnected for it. */
import { run, Sandbox } from '@countersign/testing'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const sandbox = new Sandbox()
afterAll(() => sandbox[Symbol.asyncDispose]())

test('SIGHUP puts settings and policy into force for sessions that are open, says what waits, and keeps what was where they are wrong', async () => {
  const { server: home, client } = sandbox.pair()
  const file = join(home.folder, 'server.json')
  const policy = join(home.root, 'policy.json')
  const { server, at } = await sandbox.serve(home)
  const sending = sandbox.start('client', ['send', '--lines', '--json', ...at], client)
  const send = async (text: string, outcome: string): Promise<void> => {
    sending.write(`${text}\n`)
    await sending.until(new RegExp(`"outcome":"${outcome}"`))
  }
  await send('anything goes', 'stored')

  writeFileSync(policy, JSON.stringify({ default: { maxLength: '100' } }))
  writeFileSync(file, JSON.stringify({ policy, logLevel: 'debug', mostHandshakes: 5 }))
  server.kill('SIGHUP')
  await server.until(/read anew; changed: policy, logLevel\n.*a restart is needed for mostHandshakes/)
  await send('too long '.repeat(20), 'refused')

  writeFileSync(policy, '{ "default": { "maxLenght": 1 } }')
  server.kill('SIGHUP')
  await server.until(/the settings stay as they were: .*unknown rule at default: maxLenght/)
  sending.endInput('short enough\n')
  const { stdout } = await sending.ended
  expect([...stdout.matchAll(/"outcome":"(\w+)"/g)].map(([, outcome]) => outcome)).toEqual(['stored', 'refused', 'stored'])
  expect((await server.stop()).status).toBe(0)
})

test('SIGHUP reads the keys anew too, for file systems that tell of no changes', async () => {
  const home = sandbox.home('server', 'deaf')
  const client = sandbox.home('client', 'late')
  sandbox.trust(client, home)
  const { server, at } = await sandbox.serve(home)
  // Written elsewhere and moved: what is seen is one change, whichever way it is noticed.
  const beside = join(home.root, 'late.pem')
  sandbox.trust(home, client)
  renameSync(join(home.folder, 'peers/late.pem'), beside)
  renameSync(beside, join(home.folder, 'peers/late.pem'))
  server.kill('SIGHUP')
  await server.until(/settings, policy and keys were read anew/)
  expect((await run('client', ['send', 'hello', ...at], { root: client.root })).status).toBe(0)
})
