/** What attacks by a crowd have in common: the crowd, the honest clients beside it, and how those fare. */
import type { SecureSession } from '@countersign/core'
import { fork } from 'node:child_process'
import { join } from 'node:path'
import { Ground } from '../../harness/ground.ts'
import { descriptorsOf, memoryOf, pause, settled } from '../../harness/process.ts'
import { honestly, recordedHello } from '../../harness/proxy.ts'

export interface CrowdOptions {
  readonly port: number
  readonly count: number
  /** Says nothing; says a byte a second; stops in the middle of HELLO; replays a good one; makes one with the server's public key. */
  readonly manner: 'silent' | 'slow' | 'stops' | 'replays' | 'knocks'
  /** A good HELLO, in base64, */
  readonly hello: string
  /** and the keyId of the server that it is for. */
  readonly keyId: string
}

/** What a crowd tells of itself. */
export interface Told {
  opened: number
  open: number
  received: number
}

export interface Crowd extends Disposable {
  readonly told: Told
}

export function crowd(options: CrowdOptions): Crowd {
  const child = fork(join(import.meta.dirname, '../crowd.worker.ts'), [JSON.stringify(options)])
  const told: Told = { opened: 0, open: 0, received: 0 }
  child.on('message', (message) => void Object.assign(told, message))
  return { told, [Symbol.dispose]: () => void child.kill('SIGKILL') }
}

/** Messages a second of all honest clients together. */
const PACE = 1000
const TICK = 20

/** Sends at the pace for so long; how many receipts a second came. */
async function receiptsPerSecond(sessions: readonly SecureSession[], ms: number): Promise<number> {
  let receipts = 0
  const sent: Promise<void>[] = []
  const started = performance.now()
  for (let due = 0; performance.now() - started < ms;) {
    const until = Math.floor(((performance.now() - started) / 1000) * PACE)
    for (; due < until; due++) {
      sent.push(sessions[due % sessions.length]!.send(`honest ${due}`).then(() => void (receipts += 1)))
    }
    await pause(TICK)
  }
  const seconds = (performance.now() - started) / 1000
  const inTime = receipts / seconds
  await Promise.all(sent)
  return inTime
}

/** MiB by which a process may have become larger when nothing of a crowd is held any more. */
export const SLACK = 64

export interface Fared {
  readonly told: Told
  /** Receipts a second before, and while the crowd was there. */
  readonly before: number
  readonly during: number
  /** Of ten honest clients who came while the crowd was there, how many were let in. */
  readonly letIn: number
  /** MiB and descriptors of the server: before, at the worst, and once the crowd had gone. */
  readonly memory: readonly [number, number, number]
  readonly descriptors: readonly [number, number, number]
}

/** Honest sessions at a time. */
const BESIDE_EACH_OTHER = 8

/**
 * So many honest sessions come and go. The first thousands of connections, whoever makes them, make a process larger by
 * what V8 and malloc keep for the next ones: what a crowd adds can be told from that only behind them.
 */
export async function warm(ground: Ground, count: number): Promise<void> {
  let begun = 0
  const come = async (): Promise<void> => {
    while (begun++ < count) {
      await using session = await ground.honest()
      await session.send('in passing')
    }
  }
  await Promise.all(Array.from({ length: BESIDE_EACH_OTHER }, come))
}

/** Lets a crowd loose on a server, with honest clients beside it. */
export async function fare(ground: Ground, count: number, seconds: number, manner: CrowdOptions['manner']): Promise<Fared> {
  const sessions = await Promise.all([1, 2, 3, 4].map(() => ground.honest()))
  const hello = Buffer.from(await recordedHello(ground)).toString('base64')
  const keyId = Buffer.from(ground.publicKey.id).toString('base64')
  const ms = seconds * 1000
  await receiptsPerSecond(sessions, 1_000)
  const before = await receiptsPerSecond(sessions, ms)
  const [memory, descriptors] = [memoryOf(ground.pid), descriptorsOf(ground.pid)]
  let [mostMemory, mostDescriptors] = [0, 0]
  const watching = setInterval(() => {
    mostMemory = Math.max(mostMemory, memoryOf(ground.pid))
    mostDescriptors = Math.max(mostDescriptors, descriptorsOf(ground.pid))
  }, 250)
  let told: Told
  let during: number
  let letIn = 0
  {
    using strangers = crowd({ port: ground.port, count, manner, hello, keyId })
    // The whole crowd is there before it is measured what it does.
    for (let i = 0; i < 100 && strangers.told.opened < count; i++) await pause(250)
    const coming = Array.from({ length: 10 }, async (_, i) => {
      await pause((ms * i) / 10)
      if ((await honestly(ground, ground.port, ['let in'], { handshakeWithin: 2_000 })) === 'receipt') letIn += 1
    })
    during = await receiptsPerSecond(sessions, ms)
    await Promise.all(coming)
    told = { ...strangers.told }
  }
  await settled(ground.pid, descriptors, memory + SLACK)
  clearInterval(watching)
  await ground.stillServes()
  const after = [memoryOf(ground.pid), descriptorsOf(ground.pid)] as const
  await Promise.all(sessions.map((session) => session.close()))
  // In a long run it prints more than a string holds.
  ground.server.stdout = ''
  return {
    told,
    before,
    during,
    letIn,
    memory: [memory, mostMemory, after[0]],
    descriptors: [descriptors, mostDescriptors, after[1]],
  }
}
