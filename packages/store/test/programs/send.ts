/** A client with an outbox, which sends what it is told to and dies where it is told to. */
import { CountersignError, readPublicKey } from '@countersign/core'
import { hex } from '@countersign/core/protocol'
import { openAsBlob, readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { connect, openOutbox, type Queued, type StoredOutbox, type StreamedBody } from '../../src/index.ts'
import { bodyOf } from '../checker/history.ts'
import { commands, type Death, identityIn, ordersOf, Points, tell } from './orders.ts'

export interface SendOrders {
  readonly outbox: string
  readonly identity: string
  /** The file of the server's public key. */
  readonly peer: string
  readonly port: number
  /** Whether a thread of its own writes the outbox. */
  readonly thread: boolean
  readonly death?: Death
}

export type Command =
  | {
      readonly do: 'send'
      /** What the messages begin with, and are told apart by. */
      readonly labels: readonly string[]
      /** Bytes of each body; as long as its label where it is not said. */
      readonly length?: number
      /** Each once the one before has its receipt; else all at once. */
      readonly inTurn?: boolean
    }
  | { readonly do: 'file'; readonly label: string; readonly path: string }
  | { readonly do: 'connect' | 'drain' }
  | { readonly do: 'drop'; readonly serial: number }

function watched(outbox: StoredOutbox, points: Points): StoredOutbox {
  const settle = outbox.settle.bind(outbox)
  const pending = outbox.pending.bind(outbox)
  outbox.settle = async (to, envelope, kept) => {
    const { message, first, count } = envelope
    const { receipt } = kept
    tell({
      event: 'receipt',
      message: { statement: hex(message.statement), signature: hex(message.signature) },
      receipt: { statement: hex(receipt.statement), signature: hex(receipt.signature) },
    })
    await points.reach('receipt')
    await settle(to, envelope, kept)
    tell({ event: 'settled', first, count })
    await points.reach('settled')
  }
  outbox.pending = async function* (to, signal) {
    for await (const envelope of pending(to, signal)) {
      const read = envelope.read.bind(envelope)
      envelope.read = async function* (offset) {
        for await (const piece of read(offset)) {
          yield piece
          await points.reach('sending')
        }
      }
      yield envelope
    }
  }
  return outbox
}

const orders = ordersOf() as SendOrders
const points = new Points(orders.death)
const peer = readPublicKey(readFileSync(orders.peer, 'utf8'))
await using outbox = watched(
  await openOutbox(orders.outbox, {
    identity: identityIn(orders.identity),
    thread: orders.thread,
    onNotice: ({ code, resent, resigned, lost }) => {
      tell({ event: 'notice', code, resent: [...resent], resigned: [...resigned], lost: [...lost] })
    },
  }),
  points,
)

/** What is on its way into the outbox. */
const enqueuing = new Set<Promise<unknown>>()

async function enqueue(label: string, body: string | StreamedBody | Blob): Promise<Queued> {
  tell({ event: 'offer', label })
  const queuing = outbox.enqueue({ keys: [peer] }, body, { id: label })
  await Promise.race([queuing, setImmediate().then(() => points.reach('enqueuing'))])
  const queued = await queuing
  tell({ event: 'enqueued', label, serial: queued.serial, number: queued.number })
  await points.reach('enqueued')
  return queued
}

/** Resolves when the message has its receipt, or will have none in this life. */
async function send(label: string, body: string | StreamedBody | Blob): Promise<void> {
  const queuing = enqueue(label, body)
  enqueuing.add(queuing)
  try {
    await (
      await queuing
    ).receipt
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error
    if (error.code !== 'SESSION_ENDED') tell({ event: 'failed', label, code: error.code })
  } finally {
    enqueuing.delete(queuing)
  }
}

tell({ event: 'ready' })
let client: ReturnType<typeof connect> | undefined
for await (const command of commands<Command>()) {
  if (command.do === 'send') {
    const { labels, length, inTurn } = command
    for (const label of labels) {
      const sending = send(label, bodyOf(label, length))
      if (inTurn) await sending
    }
  } else if (command.do === 'file') void send(command.label, await openAsBlob(command.path))
  else if (command.do === 'drop') await outbox.drop(command.serial)
  else if (command.do === 'connect') {
    client = connect({
      outbox,
      peer,
      host: '127.0.0.1',
      port: orders.port,
      backoff: { first: 20, most: 200 },
      onState: ({ state, ...rest }) => {
        if (state === 'waiting' || state === 'closed')
          tell({ event: 'over', code: ('error' in rest && rest.error?.code) || null })
        if (state === 'connected') tell({ event: 'session' })
      },
    })
  } else {
    await Promise.all(enqueuing)
    await client!.drained()
    tell({ event: 'drained' })
  }
}
await client?.close(false)
tell({ event: 'ended' })
