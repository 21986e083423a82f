/**
 * No socket and no clock: the protocol as functions of bytes, for transports that Node does not know.
 *
 * A handshake asks, step by step, for what it needs; a session turns bytes into events and records into bytes; an exchange
 * signs, checks and countersigns. Who carries the bytes, and when, is yours: here a loop does. `@countersign/core/protocol`
 * is experimental: its names may change in any release.
 */
import { generatePrivateKey, identity, type Identity, type Journal, memoryJournal, REASON } from '@countersign/core'
import {
  clientHandshake,
  concat,
  type Established,
  Exchange,
  MemoryOutbox,
  NO_POSITION,
  serverHandshake,
  Session,
  type Steps,
} from '@countersign/core/protocol'
import { setImmediate } from 'node:timers/promises'

const maxItem = 1024 * 1024
const now = 0

/** Runs one side's handshake: puts what is to be sent into `out`, and waits in `yield` for what has come. */
function* shakeHands(steps: Steps<Established>, peer: Identity, journal: Journal, out: Uint8Array[]) {
  let held: Uint8Array = new Uint8Array(0)
  for (let answer: unknown; ;) {
    const { done, value: step } = steps.next(answer)
    if (done) return step
    if ('send' in step) answer = void out.push(step.send)
    else if ('sign' in step) answer = step.as.sign(step.sign)
    else if ('trust' in step) answer = { peer: { keys: [peer.publicKey] } }
    else if ('locate' in step) answer = { journal: journal.id, position: NO_POSITION }
    else if ('need' in step) {
      while (held.length < step.need) held = concat(held, (yield) as Uint8Array)
      answer = held.subarray(0, step.need)
      held = held.subarray(step.need)
    }
  }
}

/** One side once hands are shaken. */
class Side {
  readonly session: Session
  readonly exchange: Exchange

  constructor(established: Established, outbox: MemoryOutbox, journal: Journal) {
    const { role, secrets, mayReceive, peer, identity: own, peerOutbox } = established
    this.session = new Session({ role, secrets, mayReceive, now })
    this.exchange = new Exchange({
      established,
      outbox,
      outboxId: outbox.idFor(),
      journal,
      policy: undefined,
      maxItem,
      ownKeys: [own.publicKey],
      place: { sender: peer.key.id, receiver: own.publicKey.id, outbox: peerOutbox },
      now: Date.now,
      send: (kind, payload) => {
        this.session.send(kind, payload, now)
        return undefined
      },
      respond: (receipt) => this.session.sendReceipt(receipt, now),
      deliver: (messages) => {
        for (const message of messages) void message.text().then((text) => console.log(`${role} has received "${text}"`))
      },
    })
    if (role === 'client') void this.exchange.run(Promise.resolve())
  }

  take(bytes: Uint8Array): void {
    for (const event of this.session.receive(bytes, now)) {
      if (event.type === 'confirmed') void this.exchange.run(Promise.resolve())
      else if (event.type === 'part') void this.exchange.part(event.pieces, event.end)
      else if (event.type === 'receipt') void this.exchange.receipt(event.receipt)
      else if (event.type === 'close') this.session.close(REASON.done, '', now)
    }
  }
}

const alice = identity(generatePrivateKey())
const bob = identity(generatePrivateKey())
const journal = memoryJournal()
const outboxes = { alice: new MemoryOutbox(alice, Date.now), bob: new MemoryOutbox(bob, Date.now) }
const toBob: Uint8Array[] = []
const toAlice: Uint8Array[] = []

const asClient = { identity: alice, peer: { keys: [bob.publicKey] }, outbox: outboxes.alice.idFor(), maxItem, receives: false }
const asServer = { identities: [bob], outbox: outboxes.bob.idFor(), maxItem }
const hers = shakeHands(clientHandshake(asClient), bob, journal, toBob)
const his = shakeHands(serverHandshake(asServer), alice, journal, toAlice)
let client = hers.next()
let server = his.next()
while (!client.done || !server.done) {
  const forBob = concat(...toBob.splice(0))
  server = his.next(forBob)
  const forAlice = concat(...toAlice.splice(0))
  client = hers.next(forAlice)
  console.log(`${forBob.length} bytes to bob, ${forAlice.length} bytes to alice`)
}

const a = new Side(client.value, outboxes.alice, journal)
const b = new Side(server.value, outboxes.bob, journal)
const sending = outboxes.alice.send(client.value.peer, 'hello by hand').then(({ outcome }) => {
  console.log(`client has a receipt: ${outcome}`)
  a.session.close(REASON.done, '', now)
})
while (!a.session.closeReceived) {
  b.take(concat(...a.session.takeOutput(now)))
  a.take(concat(...b.session.takeOutput(now)))
  // Signatures and hashes of long items are promises.
  await setImmediate()
}
await sending
