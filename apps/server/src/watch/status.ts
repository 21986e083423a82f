/** What `status` and `doctor` ask a running server: a Unix socket in its state folder, which answers with one JSON object. */
import { type AddressInfo, createConnection, createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { listenAt } from './unix-socket.ts'
import type { JournalSize, View } from './view.ts'

/** What a running server says of itself. */
export interface Status {
  readonly pid: number
  readonly name: string
  /** When it began to serve */
  readonly since: string
  readonly listening: { readonly host: string; readonly port: number } | string
  /** Why it cannot store messages; undefined where it can */
  readonly notReady?: string
  /** The peers that are connected, one for each session */
  readonly sessions: readonly string[]
  readonly handshakes: Readonly<Record<string, number>>
  readonly receipts: Readonly<Record<string, number>>
  readonly messages: number
  readonly bytes: number
  readonly journal?: JournalSize
  readonly waiting: Readonly<Record<string, number>>
}

export function statusSocket(stateFolder: string): string {
  return join(stateFolder, 'server.sock')
}

export async function statusOf(view: View, name: string): Promise<Status> {
  const { server, meter, store } = view
  const { address } = server
  const notReady = await view.whyNotReady()
  return {
    pid: process.pid,
    name,
    since: new Date(meter.since).toISOString(),
    listening: typeof address === 'object' && address !== null ? place(address) : (address ?? ''),
    ...(notReady !== undefined && { notReady }),
    sessions: [...server.sessions].map(({ peer }) => peer.name!),
    handshakes: Object.fromEntries(meter.handshakes),
    receipts: Object.fromEntries(meter.receipts),
    messages: meter.messages,
    bytes: meter.bytes,
    ...(store && { journal: await store.size() }),
    waiting: await view.waiting(),
  }
}

function place({ address: host, port }: AddressInfo): { host: string; port: number } {
  return { host, port }
}

/**
 * Answers whoever may enter the state folder: its owner.
 *
 * @throws Node's system errors; EADDRINUSE where another server of this home answers already
 */
export async function answerStatus(path: string, status: () => Promise<Status>): Promise<Disposable> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    // Whoever asks and does not read, or does not leave, keeps no server from its end.
    socket.unref()
    status().then(
      (said) => socket.end(`${JSON.stringify(said)}\n`),
      () => socket.destroy(),
    )
  })
  await listenAt(server, path)
  server.unref()
  return { [Symbol.dispose]: () => void server.close() }
}

/** How long an answer may take; ms */
const PATIENCE = 5000

/** What a running server says; undefined where none answers. */
export async function askStatus(path: string): Promise<Status | undefined> {
  const socket = createConnection(path)
  socket.setTimeout(PATIENCE, () => socket.destroy())
  try {
    return JSON.parse(await text(socket)) as Status
  } catch {
    return undefined
  }
}
