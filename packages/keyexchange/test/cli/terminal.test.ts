/** The prompts, in a real terminal, which the program `script` gives where it exists. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, type TestContext } from 'vitest'
import { openHome } from '../../src/home/home.ts'
import { ENVIRONMENT, listening, madeHome, MAIN, temporaryFolder, contentOf } from '../program.ts'

function requireScript(context: TestContext): void {
  const { status, stdout } = spawnSync('script', ['--version'], { encoding: 'utf8' })
  if (status === 0 && stdout.includes('util-linux')) return
  console.log('prompts in a terminal: skipped, because util-linux’s program script is missing')
  context.skip('the program script is missing')
}

/** `keys` in a terminal: what it shows, and what a person types. */
class Terminal {
  readonly exited: Promise<number | null>
  readonly #child: ChildProcess
  #shown = ''

  constructor(...words: string[]) {
    const program = [process.execPath, MAIN, ...words].map((word) => `'${word}'`).join(' ')
    // A terminal without a size breaks every line after each letter.
    const line = `stty cols 120 rows 40; exec ${program}`
    this.#child = spawn('script', ['-qec', line, '/dev/null'], { env: { ...ENVIRONMENT, TERM: 'xterm' }, stdio: 'pipe' })
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.#shown += text))
    this.exited = new Promise((resolve) => void this.#child.once('close', resolve))
    onTestFinished(() => void this.#child.kill('SIGKILL'))
  }

  get shown(): string {
    return this.#shown
  }

  /** Waits until this has been shown since the last time. */
  async shows(text: string): Promise<void> {
    let ended = false
    void this.exited.then(() => (ended = true))
    while (!this.#shown.includes(text)) {
      if (ended) throw new Error(`${text} was never shown: ${this.#shown}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  type(text: string): void {
    this.#child.stdin!.write(text)
  }
}

const CODE_PROMPT = 'The code that the other machine shows'

test('each word of a code completes with Tab; then a person accepts the key', async (context) => {
  requireScript(context)
  const [server, client] = [temporaryFolder(), temporaryFolder()]
  const { listener, event, port } = await listening(server)
  const terminal = new Terminal('--root', client, 'swap', '--connect', `127.0.0.1:${port}`, '--peer', 'ben')
  await terminal.shows(CODE_PROMPT)
  let typed = ''
  for (const word of event.code.split('-')) {
    // The first four letters of each word of the list are its own.
    terminal.type(`${typed === '' ? '' : '-'}${word.slice(0, 4)}`)
    await terminal.shows(`${typed}${typed === '' ? '' : '-'}${word.slice(0, 4)}`)
    if (word.length > 4) terminal.type('\t')
    typed += `${typed === '' ? '' : '-'}${word}`
    await terminal.shows(typed)
  }
  terminal.type('\r')
  await terminal.shows('Trust')
  terminal.type('y\r')
  expect(await terminal.exited).toBe(0)
  expect((await listener.exited).status).toBe(0)
  expect(terminal.shown).toMatch(/sha256\/\/.{43}=/)
  expect(existsSync(join(client, 'client/peers/ben.pem'))).toBe(true)
})

test('a slip is named at the prompt, with the nearest word, and the person types again', async (context) => {
  requireScript(context)
  const [server, client] = [temporaryFolder(), temporaryFolder()]
  const { event, port } = await listening(server)
  const terminal = new Terminal('--root', client, 'swap', '--connect', `127.0.0.1:${port}`, '--yes')
  await terminal.shows(CODE_PROMPT)
  terminal.type('abandn-ability-able\r')
  await terminal.shows('did you mean abandon?')
  terminal.type(`${event.code}\r`)
  expect(await terminal.exited).toBe(0)
})

test('who declines saves nothing at either side', async (context) => {
  requireScript(context)
  const [server, client] = [temporaryFolder(), temporaryFolder()]
  const { listener, event, port } = await listening(server)
  const terminal = new Terminal('--root', client, 'swap', '--connect', `127.0.0.1:${port}`)
  await terminal.shows(CODE_PROMPT)
  terminal.type(`${event.code}\r`)
  await terminal.shows('Trust')
  terminal.type('n\r')
  expect(await terminal.exited).toBe(9)
  expect(await listener.exited).toMatchObject({ status: 9, stderr: expect.stringMatching(/the other side declined/) as string })
})

test('Ctrl-C at a prompt is exit status 130', async (context) => {
  requireScript(context)
  const terminal = new Terminal('--root', temporaryFolder(), 'swap', '--connect', '127.0.0.1:9')
  await terminal.shows(CODE_PROMPT)
  terminal.type('\u0003')
  expect(await terminal.exited).toBe(130)
})

test('a passphrase is asked for twice, and never shown', async (context) => {
  requireScript(context)
  const root = await madeHome('client', { name: 'ada' })
  const terminal = new Terminal('--root', root, 'passwd')
  await terminal.shows('New passphrase')
  terminal.type('correct horse\r')
  await terminal.shows('The same once more')
  terminal.type('correct horse\r')
  expect(await terminal.exited).toBe(0)
  expect(terminal.shown).not.toContain('correct')
  expect(contentOf(root, 'client/identity.pem')).toContain('BEGIN ENCRYPTED PRIVATE KEY')
})

test('the fingerprint of an imported key is typed and compared by the machine', async (context) => {
  requireScript(context)
  const [root, other] = [await madeHome('client', { name: 'ada' }), await madeHome('client', { name: 'ben' })]
  const { fingerprint } = openHome({ root: other, role: 'client' }).publicKey
  const words = ['--root', root, 'import', join(other, 'client/identity.pub.pem')]
  const wrong = new Terminal(...words)
  await wrong.shows('The fingerprint that the owner')
  const [last] = fingerprint.slice(-2)
  wrong.type(`${fingerprint.slice(0, -2)}${last === 'A' ? 'E' : 'A'}=\r`)
  expect(await wrong.exited).toBe(10)
  const right = new Terminal(...words)
  await right.shows('The fingerprint that the owner')
  right.type(`${fingerprint}\r`)
  expect(await right.exited).toBe(0)
})
