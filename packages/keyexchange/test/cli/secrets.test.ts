/** A code and a passphrase are in no command line, log, error or file that others read. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, type TestContext } from 'vitest'
import { dialing, file, keys, keysJson, listening, MAIN, temporaryFolder } from '../program.ts'

const PASSPHRASE = 'correct-horse-battery'

test('no option of any command takes a code or a passphrase itself', async () => {
  const script = (await keys(['completion', 'fish'])).stdout
  const options = [...script.matchAll(/ -l (\S+)/g)].map(([, option]) => option!)
  const secret = options.filter((option) => /pass|code|secret/.test(option))
  expect(new Set(secret)).toEqual(new Set(['passphrase-file', 'passphrase-fd', 'new-passphrase-file', 'code-file']))
})

test('the command lines of both sides of a swap hold neither code nor passphrase', async (context: TestContext) => {
  if (process.platform !== 'linux') context.skip('command lines are read from /proc')
  const [server, client] = [temporaryFolder(), temporaryFolder()]
  const passphrase = file(client, 'passphrase', `${PASSPHRASE}\n`)
  const { listener, event, port } = await listening(server)
  const dialer = dialing(client, port, event.code, ['--passphrase-file', passphrase])
  const lines = [listener, dialer].map(({ pid }) => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
  await dialer.exited
  expect(lines.every((line) => line.includes(MAIN))).toBe(true)
  for (const line of lines) expect([line.includes(event.code), line.includes(PASSPHRASE)]).toEqual([false, false])
})

test('errors of a wrong code and of a wrong passphrase do not repeat them', async () => {
  const [server, client] = [temporaryFolder(), temporaryFolder()]
  const { port } = await listening(server)
  const dialed = await dialing(client, port, 'zoo-zebra-zone').exited
  expect(dialed.status).toBe(7)
  expect(dialed.stdout + dialed.stderr).not.toMatch(/zebra/)

  const root = temporaryFolder()
  await keysJson(['--root', root, 'init', '--passphrase-file', file(root, 'right', `${PASSPHRASE}\n`)])
  const wrong = await keys([
    '--root',
    root,
    'passwd',
    '--remove',
    '--passphrase-file',
    file(root, 'wrong', 'staple-battery\n'),
    '--json',
  ])
  expect(wrong.status).toBe(6)
  expect(wrong.stdout + wrong.stderr).not.toMatch(/staple|battery/)
})

test('the listener says the code on standard output alone, and not again when it is spent', async () => {
  const [server, client] = [temporaryFolder(), temporaryFolder()]
  const { listener, event, port } = await listening(server)
  await dialing(client, port, 'zoo-zebra-zone').exited
  await listener.event()
  listener.interrupt()
  const { stdout, stderr } = await listener.exited
  expect(stderr).not.toContain(event.code)
  expect(stdout.split(event.code)).toHaveLength(2)
})

test('a passphrase is in no file of the home', async () => {
  const root = temporaryFolder()
  await keysJson(['--root', root, 'init', '--passphrase-file', file(root, 'passphrase', `${PASSPHRASE}\n`)])
  for (const name of ['identity.pem', 'identity.pub.pem']) {
    expect(readFileSync(join(root, 'client', name), 'utf8')).not.toContain(PASSPHRASE)
  }
})

test('a passphrase comes from a descriptor too', async () => {
  const root = temporaryFolder()
  await keysJson(['--root', root, 'init', '--passphrase-fd', '0'], { stdin: `${PASSPHRASE}\n` })
  expect((await keys(['--root', root, 'passwd', '--remove', '--passphrase-fd', '0'], { stdin: 'wrong\n' })).status).toBe(6)
  expect((await keys(['--root', root, 'passwd', '--remove', '--passphrase-fd', '0'], { stdin: `${PASSPHRASE}\n` })).status).toBe(
    0,
  )
})

test('a descriptor is read once, also where a rotation has left two keys under its passphrase', async () => {
  const root = temporaryFolder()
  const passphrase = file(root, 'passphrase', `${PASSPHRASE}\n`)
  await keysJson(['--root', root, 'init', '--passphrase-file', passphrase])
  await keysJson(['--root', root, 'rotate', '--passphrase-file', passphrase])
  await keysJson(['--root', root, 'passwd', '--remove', '--passphrase-fd', '0'], { stdin: `${PASSPHRASE}\n` })
  for (const name of ['identity.pem', 'previous.pem']) {
    expect(readFileSync(join(root, 'client', name), 'utf8')).toContain('BEGIN PRIVATE KEY')
  }
})

test('an empty passphrase file protects nothing, and is refused', async () => {
  const root = temporaryFolder()
  const { status, stderr } = await keys(['--root', root, 'init', '--passphrase-file', file(root, 'empty', '\n')])
  expect([status, stderr.split('\n')[0]]).toEqual([2, 'error: the passphrase is empty'])
})
