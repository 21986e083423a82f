/**
 * The checker: holds what senders saw against what the journal has.
 *
 * Receipted is a part of stored, stored a part of enqueued; nothing twice; numbers, indices and chains whole; every answer to
 * one envelope the same, byte for byte; every leaf, and every signature by the openssl program. What it recomputes, it
 * recomputes by itself: hashes and signed bytes are put together here from the protocol's text, not by the product.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { openJournal, type StoredEntry } from '../../src/index.ts'
import type { History, SenderHistory } from './history.ts'
import { type Claim, unverified } from './openssl.ts'

export interface CheckOptions {
  readonly history: History
  /** The file of the journal, which no server need have let go of. */
  readonly journal: string
  /** Files of the public keys, by the names of the parties; the server's is `server`. */
  readonly keys: ReadonlyMap<string, string>
  /** The names of the senders by their keyIds in hexadecimal. */
  readonly senders: ReadonlyMap<string, string>
  /** Whether all senders were drained: what was enqueued has to be stored then. */
  readonly drained?: boolean
  /** Messages that an operator was told may arrive twice, or not at all: by their labels. */
  readonly excused?: ReadonlySet<string>
}

export interface Findings {
  /** Nothing where all promises are kept. */
  readonly faults: string[]
  /** What was looked at. */
  readonly counts: { offered: number; enqueued: number; stored: number; receipts: number; envelopes: number; signatures: number }
}

interface Stored {
  readonly sender: string
  readonly label: string
  readonly number: number
}

export async function check(options: CheckOptions): Promise<Findings> {
  const { history, keys, senders } = options
  await using journal = await openJournal(options.journal)
  const faults: string[] = []
  const claims: Claim[] = []
  const answers = new Map<string, string>()
  const places = new Map<string, Place>()
  const stored: Stored[] = []
  let envelopes = 0
  for await (const entry of journal.entries()) {
    const { messageStatement, message, receipt, receiptStatement } = entry
    const sender = senders.get(hex(messageStatement.from)) ?? 'a stranger'
    const what = `entry ${entry.id} of ${sender}, from number ${messageStatement.first}`
    envelopes += 1
    const place = places.get(placeName(entry)) ?? { next: 1, index: 0, chain: Buffer.alloc(32) }
    places.set(placeName(entry), place)
    faults.push(...advance(place, entry).map((fault) => `${what}: ${fault}`))
    answers.set(hex(message.statement), hex(receipt.statement) + hex(receipt.signature))
    const signed = pae('message', message.statement)
    if (!hash(signed).equals(receiptStatement.digest)) faults.push(`${what}: its receipt is for another message`)
    claims.push({ what: `${what}: signature`, key: keys.get(sender)!, signed, signature: message.signature })
    const receipted = pae('receipt', receipt.statement)
    claims.push({ what: `${what}: receipt`, key: keys.get('server')!, signed: receipted, signature: receipt.signature })
    for (const [position, item] of (entry.items ?? []).entries()) {
      const leaf = messageStatement.leaves.subarray(32 * position, 32 * position + 32)
      const found = createHash('sha256')
      for await (const piece of item.at instanceof Uint8Array ? [item.at] : createReadStream(item.at.path)) found.update(piece)
      if (!found.digest().equals(leaf)) faults.push(`${what}: item ${position} is not what was signed`)
    }
  }
  for await (const message of journal.messages()) {
    const content = await message.content()
    const sender = senders.get(hex(message.sender)) ?? 'a stranger'
    stored.push({ sender, label: content?.attributes.get('id') ?? '?', number: message.number })
  }
  for (const [sender, seen] of history) {
    const own = stored.filter((message) => message.sender === sender)
    faults.push(...checkSender(seen, own, answers, options).map((fault) => `${sender}: ${fault}`))
    for (const { message, receipt } of seen.receipts) {
      if (answers.get(message.statement) === receipt.statement + receipt.signature) continue
      const signed = pae('receipt', Buffer.from(receipt.statement, 'hex'))
      claims.push({
        what: `${sender}: a receipt`,
        key: keys.get('server')!,
        signed,
        signature: Buffer.from(receipt.signature, 'hex'),
      })
    }
  }
  faults.push(...(await unverified(claims)).map((what) => `${what}: openssl does not verify it`))
  const sum = (of: (seen: SenderHistory) => number): number => [...history.values()].reduce((all, seen) => all + of(seen), 0)
  return {
    faults,
    counts: {
      offered: sum(({ offered }) => offered.length),
      enqueued: sum(({ enqueued }) => enqueued.length),
      stored: stored.length,
      receipts: sum(({ receipts }) => receipts.length),
      envelopes,
      signatures: claims.length,
    },
  }
}

/** What one sender saw, against what is stored of it. */
function checkSender(
  { offered, enqueued, receipts }: SenderHistory,
  stored: readonly Stored[],
  answers: ReadonlyMap<string, string>,
  { drained, excused }: CheckOptions,
): string[] {
  const faults: string[] = []
  const places = new Map(offered.map((label, i) => [label, i]))
  const times = new Map<string, number>()
  let last = -1
  for (const { label, number } of stored) {
    times.set(label, (times.get(label) ?? 0) + 1)
    const place = places.get(label)
    if (place === undefined) faults.push(`stored and never enqueued: ${label}`)
    else if (place < last && !excused?.has(label)) faults.push(`stored out of its order: ${label}, number ${number}`)
    last = Math.max(last, place ?? last)
  }
  for (const [label, count] of times) {
    if (count > 1 && !excused?.has(label)) faults.push(`stored ${count} times: ${label}`)
  }
  if (drained) {
    for (const label of enqueued) if (!times.has(label) && !excused?.has(label)) faults.push(`enqueued and lost: ${label}`)
  }
  for (const { message, receipt } of receipts) {
    const answer = answers.get(message.statement)
    if (answer === undefined) faults.push('receipted and not stored')
    else if (answer !== receipt.statement + receipt.signature) faults.push('two different receipts for one envelope')
  }
  return faults
}

interface Place {
  next: number
  index: number
  chain: Buffer
}

const CONFLICT = 4

/** Moves a place on to this entry; says what does not follow from the entry before. */
function advance(place: Place, { messageStatement, receiptStatement, message }: StoredEntry): string[] {
  const faults: string[] = []
  const { first, leaves } = messageStatement
  const { index, outcome, digest, receivedAt, chain } = receiptStatement
  if (outcome !== CONFLICT) {
    if (first !== place.next) faults.push(`number ${first} where ${place.next} is due`)
    place.next = first + leaves.length / 32
  }
  if (index !== place.index + 1) faults.push(`receipt ${index} where ${place.index + 1} is due`)
  place.index = index
  place.chain = hash(
    Buffer.from('countersign/1 chain\0'),
    place.chain,
    u64(index),
    digest,
    Uint8Array.of(outcome),
    u64(receivedAt),
    hash(message.signature),
  )
  if (!place.chain.equals(chain)) faults.push('the chain is broken')
  place.chain = Buffer.from(chain)
  return faults
}

function placeName({ messageStatement: { from, outbox }, receiptStatement }: StoredEntry): string {
  return [from, receiptStatement.from, outbox, receiptStatement.journal].map(hex).join(' ')
}

function pae(kind: 'message' | 'receipt', payload: Uint8Array): Buffer {
  const type = `application/vnd.countersign.${kind}.v1`
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload])
}

function hash(...parts: readonly Uint8Array[]): Buffer {
  return parts.reduce((sum, part) => sum.update(part), createHash('sha256')).digest()
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
