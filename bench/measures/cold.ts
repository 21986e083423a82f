import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Measure, ratio, rowOf, type Sample } from '../harness/bench.ts'
import { installPrograms } from '../harness/installed.ts'

/** The least that could do it: one commit, one message over TLS, its answer. */
const MINIMAL = `
import { connect } from 'node:tls'
import { DatabaseSync } from 'node:sqlite'
const [folder, port, key, cert, ca] = JSON.parse(process.argv[2])
const database = new DatabaseSync(folder + '/minimal.sqlite')
database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE IF NOT EXISTS rows (body BLOB)')
database.prepare('INSERT INTO rows VALUES (?)').run(Buffer.from('hello'))
const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', key, cert, ca })
socket.once('secureConnect', () => socket.write(Buffer.from([0, 0, 0, 5, ...Buffer.from('hello')])))
socket.once('data', () => socket.end())
socket.once('close', () => database.close())
`

export const cold: Measure = {
  title: 'One message, cold',
  about:
    'The whole process, from its start to its end: `countersign-client send` with a durable outbox, built and installed by npm, against a script of a dozen lines that opens SQLite, commits once and exchanges one message over TLS. A Node that does nothing is the limit.',
  async run(bench) {
    const { scratch, root, credentials } = bench.options
    const folder = join(scratch, 'cold')
    mkdirSync(folder)
    const { keys, server: serverMain, client } = installPrograms(root, folder)
    const home = join(folder, 'home')
    const node = (...words: string[]): void =>
      void execFileSync(process.execPath, words, { stdio: ['ignore', 'ignore', 'inherit'] })
    node(keys, '--root', home)
    const server = spawn(process.execPath, [serverMain, '--root', home, '--host', '127.0.0.1', '--port', '0'])
    await using peer = await bench.start({ label: 'node:tls', contender: 'node:tls', root })
    try {
      const port = await listeningPort(server.stdout, server.stderr)
      const script = join(folder, 'minimal.mjs')
      writeFileSync(script, MINIMAL)
      const { tlsKey, certificate } = credentials.client
      const setting = JSON.stringify([folder, peer.port, tlsKey, certificate, credentials.server.certificate])
      const ways: readonly (readonly [string, readonly string[]])[] = [
        ['countersign-client send', [client, 'send', 'hello', '--root', home, '--port', port]],
        ['SQLite and node:tls, a minimal script', [script, setting]],
        ['node, nothing', ['--eval', '0']],
      ]
      const samples = ways.map((): Sample[] => [])
      // One run warms up; more of them than elsewhere, as each is short.
      for (let run = 0; run <= bench.runs * 4; run++) {
        for (const [i, [, words]] of ways.entries()) {
          const start = performance.now()
          node(...words)
          if (run > 0) samples[i]!.push({ value: performance.now() - start })
        }
      }
      const rows = ways.map(([name], i) => rowOf(name, samples[i]!))
      const table = { title: 'whole process', unit: 'ms', better: 'less', rows } as const
      const value = ratio(table, ways[0]![0], ways[1]![0])
      return { tables: [table], goals: [{ what: 'one message, cold, times a minimal script', value, most: 1.5 }] }
    } finally {
      server.kill()
      await once(server, 'exit')
    }
  },
}

async function listeningPort(...outputs: readonly NodeJS.ReadableStream[]): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  for (const output of outputs) {
    createInterface(output).on('line', (line) => {
      const port = /listening on .*:(\d+)/.exec(line)?.[1]
      if (port !== undefined) resolve(port)
    })
  }
  return promise
}
