/** Sessions on loopback, recorded by dumpcap, and what tshark makes of them with the dissector of this folder. */
import { connect, generatePrivateKey, identity, listen, memoryJournal } from '@countersign/core'
import { run, type Sandbox, start } from '@countersign/testing'
import { spawn, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const DISSECTOR = join(import.meta.dirname, '../countersign.lua')

/** Why nothing can be recorded and dissected here; undefined where it can. */
export function lacking(): string | undefined {
  const programs = ['tshark', 'dumpcap'].filter((program) => spawnSync(program, ['--version']).error !== undefined)
  if (programs.length > 0) return `${programs.join(' and ')} missing`
  const { status } = spawnSync('dumpcap', ['-i', 'lo', '-w', '/dev/null', '-q', '-a', 'duration:0'])
  return status === 0 ? undefined : 'dumpcap may not record on lo'
}

/** What tshark prints. @throws Error where it, or the dissector, complains */
export function tshark(capture: string, ...words: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('tshark', ['-r', capture, '-X', `lua_script:${DISSECTOR}`, ...words], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  const complaint = stderr.replace(/^Running as user "root".*\n/, '')
  if (status !== 0 || complaint !== '' || /Lua Error|Malformed/.test(stdout)) throw new Error(`tshark: ${complaint}\n${stdout}`)
  return stdout
}

/** Each frame of the protocol that tshark found, with so many of its fields: of a packet with several, one after the other. */
export function fieldsOf(capture: string, words: readonly string[], fields: readonly string[]): string[][] {
  const named = fields.flatMap((field) => ['-e', field])
  return tshark(capture, ...words, '-Y', 'countersign', '-T', 'fields', ...named)
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'))
}

export interface Recorded {
  readonly capture: string
  readonly keyLog: string
}

/** The real programs, with a text and a file of several records; then both ways in this process, with keys that change. */
export async function recordSessions(sandbox: Sandbox, text: string): Promise<Recorded> {
  const [capture, keyLog, file] = ['capture.pcap', 'keylog', 'file.bin'].map((name) => join(sandbox.folder, name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(file, Buffer.alloc(200_000, 'a file '))
  const homes = sandbox.pair()
  const env = { COUNTERSIGN_KEYLOG: keyLog }
  await using program = start('server', ['--host', '127.0.0.1', '--port', '0'], { root: homes.server.root, env })
  const port = (await program.until(/listening on 127\.0\.0\.1:(\d+)/))[1]!
  const [alice, bob] = [identity(generatePrivateKey('rsa', 2048)), identity(generatePrivateKey('ml-dsa-65'))]
  const options = {
    journal: memoryJournal(),
    limits: { updateRecords: 2 },
    keyLog: (line: string): void => appendFileSync(keyLog, `${line}\n`),
  }
  await using server = await listen({ ...options, host: '127.0.0.1', port: 0, identity: bob, peers: [alice.publicKey] })

  const recorder = await Recorder.start([port, String(server.port)])
  for (const words of [[text], ['--file', file]]) {
    const { status } = await run('client', ['send', '--host', '127.0.0.1', '--port', port, ...words], {
      root: homes.client.root,
      env,
    })
    if (status !== 0) throw new Error(`the client ended with status ${status}`)
  }
  const client = await connect({
    ...options,
    journal: memoryJournal(),
    host: '127.0.0.1',
    port: server.port,
    identity: alice,
    peer: bob.publicKey,
  })
  const served = (await server[Symbol.asyncIterator]().next()).value!
  for (let i = 0; i < 3; i++) {
    await client.send(`up ${i}`)
    await served.send(`down ${i}`)
  }
  await client.close()
  await served.closed
  writeFileSync(capture, await recorder.stop())
  return { capture, keyLog }
}

/** dumpcap on the loopback interface. It is known to have seen everything once it has seen a datagram sent at the end. */
class Recorder {
  static readonly #MARK = 'here ends the recording of these sessions'
  readonly #program: ReturnType<typeof spawn>
  readonly #mark: ReturnType<typeof createSocket>
  #bytes: Buffer = Buffer.alloc(0)
  #wake = (): void => {}

  static async start(ports: readonly string[]): Promise<Recorder> {
    const mark = createSocket('udp4')
    await new Promise<void>((resolve) => mark.bind(0, '127.0.0.1', resolve))
    const filter = [...ports.map((port) => `tcp port ${port}`), `udp port ${mark.address().port}`].join(' or ')
    const recorder = new Recorder(spawn('dumpcap', ['-i', 'lo', '-f', filter, '-P', '-q', '-w', '-']), mark)
    // Its file's header is written once it listens.
    await recorder.#until((bytes) => bytes.length > 0)
    return recorder
  }

  private constructor(program: ReturnType<typeof spawn>, mark: ReturnType<typeof createSocket>) {
    this.#program = program
    this.#mark = mark
    program.stdout!.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk])
      this.#wake()
    })
  }

  async #until(done: (bytes: Buffer) => boolean): Promise<void> {
    while (!done(this.#bytes)) await new Promise<void>((resolve) => (this.#wake = resolve))
  }

  async stop(): Promise<Buffer> {
    this.#mark.send(Recorder.#MARK, this.#mark.address().port, '127.0.0.1')
    await this.#until((bytes) => bytes.includes(Recorder.#MARK))
    this.#mark.close()
    const closed = new Promise((resolve) => this.#program.on('close', resolve))
    this.#program.kill('SIGINT')
    await closed
    return this.#bytes
  }
}
