/**
 * The whole thing on one machine, in a temporary folder: keys, a server and a client as programs of their own, with each type of identity.
 *
 * The exit status is 0 only if every receipt came and verified.
 */
import { type KeyType, type Outcome, type Program, run, Sandbox, start } from '@countersign/testing'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { styleText } from 'node:util'
import { root as repository } from './workspace.ts'

const FILE = 'LICENSE'
const LINES = ['one line', 'another line', 'the last line']
/** A text, a file, and the lines. */
const MESSAGES = 2 + LINES.length

/** What one type of identity came to. */
interface Result {
  readonly type: KeyType
  /** Messages whose signature the server verified */
  readonly verified: number
  /** Receipts that the client verified */
  readonly receipts: number
  readonly evidence: Evidence
}

interface Evidence {
  readonly good: boolean
  readonly told: string
}

const say = (line: string): void => console.log(line)

/** Runs a program and shows the command and all that it prints. @throws Error where it fails */
async function show(
  program: Program,
  words: readonly string[],
  root: string,
  { input = '', cwd = repository } = {},
): Promise<Outcome> {
  const typed = words.map((word) => (/^[\w./:-]+$/.test(word) ? word : `'${word}'`)).join(' ')
  const piped = input === '' ? '' : `printf '${input.replaceAll('\n', String.raw`\n`)}' | `
  say(styleText('cyan', `$ ${piped}${program} ${typed}`.trimEnd()))
  const outcome = await run(program, words, { root, input, cwd })
  for (const line of (outcome.stderr + outcome.stdout).split('\n')) if (line !== '') say(`  ${line}`)
  if (outcome.status !== 0) throw new Error(`${program} ended with status ${outcome.status}`)
  return outcome
}

const count = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].length

/** Keys, a server, messages of every kind, and the evidence of one. */
async function converse(folder: string, type: KeyType, trace: readonly string[]): Promise<Result> {
  const root = join(folder, type)
  say(styleText('bold', `\nIdentities of type ${type}`))
  for (const role of ['server', 'client']) await show('keys', ['init', '--as', role, '--name', role, '--type', type], root)
  await show('keys', [], root)

  await using server = start('server', ['--host', '127.0.0.1', '--port', '0'], { root })
  const [, port] = await server.until(/listening on 127\.0\.0\.1:(\d+)/)
  const send = async (words: readonly string[], input = ''): Promise<string> => {
    return (await show('client', ['send', ...words, '--port', port!], root, { input })).stdout
  }
  const receipts =
    (await send([...trace, `hello, signed with ${type}`])) +
    (await send(['--file', FILE])) +
    (await send(['--lines'], LINES.map((line) => `${line}\n`).join('')))
  const { status, stdout } = await server.stop()
  say(`${styleText('cyan', '$ server')}  meanwhile, in short:`)
  for (const line of stdout.split('\n')) if (/^\S/.test(line)) say(`  ${line}`)
  if (status !== 0) throw new Error(`the server ended with status ${status}`)
  return {
    type,
    verified: count(stdout, /signature verified/g),
    receipts: count(receipts, /^#\d+ .*\bstored by server at .* receipt verified$/gm),
    evidence: await checkEvidence(root, type),
  }
}

/** Exports the evidence of the first message and has the openssl program check both signatures. */
async function checkEvidence(root: string, type: KeyType): Promise<Evidence> {
  await show('client', ['receipts', 'export', '1', 'evidence'], root, { cwd: root })
  await show('client', ['verify', 'evidence'], root, { cwd: root })
  const [, major, minor] =
    /^OpenSSL (\d+)\.(\d+)/.exec(spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout ?? '') ?? []
  if (major === undefined) return { good: true, told: 'no openssl here to check the evidence with' }
  const version = Number(major) + Number(minor) / 100
  if (version < (type === 'ml-dsa-65' ? 3.05 : 3)) {
    return { good: true, told: `evidence not checked: OpenSSL ${major}.${minor} does not know ${type}` }
  }
  const signatures = [
    ['message', 'sender'],
    ['receipt', 'receiver'],
  ] as const
  const good = signatures.every(([signed, signer]) => {
    const words = opensslWords(type, `${signed}.pae`, `${signed}.sig`, `${signer}.pub.pem`)
    say(styleText('cyan', `$ openssl ${words.join(' ')}`))
    const { status, stdout } = spawnSync('openssl', words, { cwd: join(root, 'evidence'), encoding: 'utf8' })
    say(`  ${stdout.trim()}`)
    return status === 0
  })
  return { good, told: good ? 'openssl verifies both signatures' : 'openssl does NOT verify the evidence' }
}

function opensslWords(type: KeyType, signed: string, signature: string, key: string): string[] {
  if (type === 'rsa') {
    const pss = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:32']
    return ['dgst', '-sha256', ...pss, '-verify', key, '-signature', signature, signed]
  }
  return ['pkeyutl', '-verify', '-pubin', '-inkey', key, '-rawin', '-in', signed, '-sigfile', signature]
}

const began = performance.now()
const results: Result[] = []
{
  await using sandbox = new Sandbox()
  results.push(await converse(sandbox.folder, 'ed25519', ['--trace']))
  for (const type of ['rsa', 'ml-dsa-65'] as const) results.push(await converse(sandbox.folder, type, []))
}
say(styleText('bold', '\nSummary'))
for (const { type, verified, receipts, evidence } of results) {
  const counts = `${MESSAGES} messages sent, ${verified} signatures verified by the server, ${receipts} receipts verified by the client`
  say(`  ${type.padEnd(9)}  ${counts}; ${evidence.told}`)
}
const complete = results.every(
  ({ verified, receipts, evidence }) => verified === MESSAGES && receipts === MESSAGES && evidence.good,
)
const seconds = ((performance.now() - began) / 1000).toFixed(1)
say(complete ? styleText('green', `  every receipt came and verified; ${seconds} s`) : styleText('red', '  something is missing'))
process.exitCode = complete ? 0 : 1
