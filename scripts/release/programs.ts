/** The three programs as their users install them: by `npm i -g`, away from this repository, on homes of their own. */
import { Running } from '@countersign/testing'
import { spawn } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { holds, run, step, type Surroundings } from './steps.ts'
import type { Rehearsal } from './rehearse.ts'

const PROGRAMS = ['countersign-keys', 'countersign-server', 'countersign-client']
const PACKAGES = ['@countersign/keyexchange', '@countersign/server', '@countersign/client']

/** One machine: a folder to be in, a home of keys, and nothing on the PATH but Node, the programs and the system. */
async function machine(prefix: string, node: string, folder: string, name: string): Promise<Surroundings> {
  const cwd = join(folder, name)
  await mkdir(cwd, { recursive: true })
  const PATH = [join(prefix, 'bin'), dirname(node), '/usr/bin', '/bin'].join(':')
  return { cwd, env: { PATH, HOME: cwd, COUNTERSIGN_HOME: join(cwd, 'keys'), NO_COLOR: '1' } }
}

function start({ cwd, env }: Surroundings, program: string, ...words: string[]): Running {
  return new Running(spawn(program, words, { cwd, env }))
}

export async function installPrograms({ folder, env }: Rehearsal): Promise<string> {
  const prefix = join(folder, 'prefix')
  await step(`npm i -g ${PACKAGES.join(' ')}`, async () => {
    await run({ cwd: folder, env }, 'npm', 'install', '-g', '--prefix', prefix, '--no-audit', '--no-fund', ...PACKAGES)
  })
  return prefix
}

/** Two machines swap keys and send a message, and the evidence of it verifies. */
export async function usePrograms({ folder }: Rehearsal, prefix: string, node: string, version: string): Promise<void> {
  const machines = join(folder, `machines-${version}`)
  const office = await machine(prefix, node, machines, 'office')
  const laptop = await machine(prefix, node, machines, 'laptop')

  await step(`Node ${version}: ${PROGRAMS.join(', ')} say their version and help`, async () => {
    for (const program of PROGRAMS) {
      holds(/^\d+\.\d+\.\d+\n$/.test(await run(office, program, '--version')), `${program} --version`)
      holds((await run(office, program, '--help')).startsWith('Usage: '), `${program} --help`)
    }
  })

  await step(`Node ${version}: keys init on both, and a swap over loopback`, async () => {
    await run(office, 'countersign-keys', 'init', '--as', 'server', '--name', 'office')
    await run(laptop, 'countersign-keys', 'init', '--as', 'client', '--name', 'laptop')
    await using listener = start(office, 'countersign-keys', 'swap', '--listen', '127.0.0.1:0', '--yes')
    const [, address] = await listener.until(/swap --connect (127\.0\.0\.1:\d+)\n/)
    const [, code] = await listener.until(/ten minutes:\n\s+(\S+)\n/)
    await writeFile(join(laptop.cwd, 'code'), code!)
    const swap = ['swap', '--connect', address!, '--yes', '--code-file', 'code']
    holds((await run(laptop, 'countersign-keys', ...swap)).includes('office is trusted now'), 'the laptop trusts the office')
    const { status, stdout } = await listener.ended
    holds(status === 0 && stdout.includes('laptop is trusted now'), 'the office trusts the laptop')
  })

  await step(`Node ${version}: a message is sent, stored and receipted`, async () => {
    await using server = start(office, 'countersign-server', '--host', '127.0.0.1', '--port', '0')
    const [, port] = await server.until(/listening on 127\.0\.0\.1:(\d+)/)
    const sent = await run(laptop, 'countersign-client', 'send', 'hello', '--host', '127.0.0.1', '--port', port!)
    holds(/^#1 .*stored by office .*receipt verified/m.test(sent), 'the receipt verifies')
    const { status } = await server.stop()
    holds(status === 0, 'the server ends well')
  })

  await step(`Node ${version}: both hold evidence of it that verifies`, async () => {
    await run(laptop, 'countersign-client', 'receipts', 'export', '1', 'evidence')
    holds(/^verified +evidence$/m.test(await run(laptop, 'countersign-client', 'verify', 'evidence')), "the client's")
    await run(office, 'countersign-server', 'inbox', 'export', '1', 'evidence')
    holds(/^verified +evidence$/m.test(await run(office, 'countersign-server', 'verify', 'evidence')), "the server's")
  })

  await step(`Node ${version}: a page explains a session`, async () => {
    await run(laptop, 'countersign-client', 'explain', 'session.html')
    holds(/^<!doctype html>/i.test(await readFile(join(laptop.cwd, 'session.html'), 'utf8')), 'it is a page')
  })
}
