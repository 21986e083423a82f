/** Walks a whole journal: every signature, leaf, number and link of the chains. */
import { PeerError } from '@countersign/core'
import {
  countOf,
  decode,
  equal,
  hex,
  LEAF_LENGTH,
  MESSAGE_TYPE,
  type MessageStatement,
  messageStatement,
  nextChain,
  OUTCOME,
  pae,
  RECEIPT_TYPE,
  type ReceiptStatement,
  receiptStatement,
  sha256,
  sha256Stream,
  type SignedStatement,
  verify,
} from '@countersign/core/protocol'
import type { KeyOf } from './evidence.ts'
import type { EntryRow, FullPlaceRow } from './journal-rows.ts'
import { type Item, readItem, splitItems } from './stored-message.ts'

/** What does not fit, and where. */
export interface JournalFault {
  /** The entry's id; undefined for what no entry of the journal is to blame for. */
  readonly entry: number | undefined
  readonly part:
    | 'message'
    | 'message signature'
    | 'receipt'
    | 'receipt signature'
    | 'item'
    | 'number'
    | 'chain'
    | 'row'
    | 'place'
    | 'end'
  readonly what: string
}

/** What a journal is held against. */
export interface JournalVerifyOptions {
  /** Public keys, also old and revoked ones, by their keyIds. */
  readonly keyOf: KeyOf
  /** Which keyIds are of the side that keeps the journal: all in it is sent to them, and receipted by them; not asked where it is not said. */
  readonly ours?: (keyId: Uint8Array) => boolean
  /** Receipts that senders hold: all of them have to be there. */
  readonly expect?: AsyncIterable<SignedStatement>
  /** Told how far it has come, in entries. */
  readonly onProgress?: (progress: { readonly entries: number; readonly total: number }) => void
}

/** What a journal offers to be verified. */
export interface VerifiableJournal {
  readonly id: Uint8Array
  readonly rows: AsyncIterable<EntryRow>
  /** The last entry that counts, and where each place stood when it had been appended. */
  readonly last: number
  readonly places: readonly FullPlaceRow[]
  readonly pathOf: (file: string) => string
}

/** Where a place stands in the walk. */
interface Walked {
  next: number
  index: number
  chain: Uint8Array
  journal: Uint8Array | undefined
  conflicts: number
}

/** Yields every fault; none where the journal is whole. */
export async function* verifyJournal(
  journal: VerifiableJournal,
  { keyOf, ours = () => true, expect, onProgress }: JournalVerifyOptions,
): AsyncGenerator<JournalFault> {
  const expected = await gather(expect, keyOf)
  const places = new Map(journal.places.map((place) => [place.id, { place, walked: atTheStart() }]))
  let last = 0
  let serial = 1
  for await (const row of journal.rows) {
    if (row.id > journal.last) break
    const fault = (part: JournalFault['part'], what: string): JournalFault => ({ entry: row.id, part, what })
    for (let missing = last + 1; missing < row.id; missing++) yield { entry: missing, part: 'row', what: 'it is missing' }
    if (row.serial !== serial) yield fault('row', `it begins at serial ${row.serial}, not ${serial}`)
    last = row.id
    serial = row.serial + row.messages
    const found = places.get(row.place)
    if (found === undefined) yield fault('place', 'its place is missing')
    else for await (const [part, what] of verifyEntry(row, found, { keyOf, ours }, journal.pathOf)) yield fault(part, what)
    expected.delete(hex(sha256(row.receipt)))
    onProgress?.({ entries: row.id, total: journal.last })
  }
  for (const { place, walked } of places.values()) yield* verifyPlace(place, walked, journal.id)
  for (const { first, index, outbox } of expected.values()) {
    const what = `a receipt that its sender holds is not here: number ${first}, index ${index}, of outbox ${hex(outbox)}`
    yield { entry: undefined, part: 'end', what }
  }
}

function atTheStart(): Walked {
  return { next: 1, index: 0, chain: new Uint8Array(32), journal: undefined, conflicts: 0 }
}

/** @throws PeerError BAD_SIGNATURE where what is expected is no receipt that anyone known here has given */
async function gather(expect: AsyncIterable<SignedStatement> | undefined, keyOf: KeyOf): Promise<Map<string, ReceiptStatement>> {
  const expected = new Map<string, ReceiptStatement>()
  if (expect === undefined) return expected
  for await (const { statement, signature } of expect) {
    const receipt = decode(receiptStatement, statement)
    const key = keyOf(receipt.from)
    if (key === undefined || !verify(key, pae(RECEIPT_TYPE, statement), signature)) {
      throw new PeerError('BAD_SIGNATURE', `the receipt that is expected for number ${receipt.first} is of no key known here`)
    }
    expected.set(hex(sha256(statement)), receipt)
  }
  return expected
}

type Finding = readonly [part: JournalFault['part'], what: string]

async function* verifyEntry(
  row: EntryRow,
  { place, walked }: { readonly place: FullPlaceRow; readonly walked: Walked },
  { keyOf, ours }: Required<Pick<JournalVerifyOptions, 'keyOf' | 'ours'>>,
  pathOf: (file: string) => string,
): AsyncGenerator<Finding> {
  let message: MessageStatement
  let receipt: ReceiptStatement
  try {
    message = decode(messageStatement, row.statement)
  } catch (error) {
    return yield ['message', (error as Error).message]
  }
  try {
    receipt = decode(receiptStatement, row.receipt)
  } catch (error) {
    return yield ['receipt', (error as Error).message]
  }
  yield* verifySigned('message', MESSAGE_TYPE, message.from, row.statement, row.signature, keyOf)
  yield* verifySigned('receipt', RECEIPT_TYPE, receipt.from, row.receipt, row.receipt_signature, keyOf)
  if (!ours(message.to)) yield ['message', 'it was sent to somebody else']
  if (!ours(receipt.from)) yield ['receipt', 'somebody else has given it']
  yield* verifyTogether(row, place, message, receipt)
  yield* verifyOrder(message, receipt, row.signature, walked)
  yield* verifyItems(row, message, receipt, pathOf)
}

function* verifySigned(
  what: 'message' | 'receipt',
  type: string,
  from: Uint8Array,
  statement: Uint8Array,
  signature: Uint8Array,
  keyOf: KeyOf,
): Generator<Finding> {
  const key = keyOf(from)
  if (key === undefined) yield [`${what} signature`, `the key ${hex(from)} is not known`]
  else if (!verify(key, pae(type, statement), signature)) yield [`${what} signature`, 'it does not verify']
}

function* verifyTogether(
  row: EntryRow,
  place: FullPlaceRow,
  message: MessageStatement,
  receipt: ReceiptStatement,
): Generator<Finding> {
  const digest = sha256(pae(MESSAGE_TYPE, row.statement))
  if (!equal(receipt.digest, digest)) yield ['receipt', 'it is for another message']
  if (!equal(row.digest, digest)) yield ['row', 'its digest is not that of its message']
  if (receipt.first !== message.first || receipt.count !== countOf(message)) yield ['receipt', 'it is for other numbers']
  if (!equal(receipt.outbox, message.outbox)) yield ['receipt', 'it is for another outbox']
  if (!equal(place.outbox, message.outbox)) yield ['row', 'it stands at a place of another outbox']
  const messages = receipt.outcome === OUTCOME.stored ? countOf(message) : 0
  if (row.messages !== messages) yield ['row', `it counts ${row.messages} messages where the receipt says ${messages}`]
}

/** Numbers without gaps, each once; and each receipt's chain continues the one before, of the same journal id. */
function* verifyOrder(
  message: MessageStatement,
  receipt: ReceiptStatement,
  signature: Uint8Array,
  walked: Walked,
): Generator<Finding> {
  const conflict = receipt.outcome === OUTCOME.conflict
  if (conflict) walked.conflicts += 1
  if (conflict && message.first >= walked.next) yield ['number', `a conflict at number ${message.first}, which nothing holds`]
  if (!conflict && message.first !== walked.next) yield ['number', `number ${message.first} where ${walked.next} is due`]
  if (!conflict) walked.next = message.first + countOf(message)
  // A journal that was restored from a backup has a new id, and new chains.
  if (walked.journal === undefined || !equal(walked.journal, receipt.journal)) {
    walked.journal = receipt.journal
    walked.index = 0
    walked.chain = new Uint8Array(32)
  }
  if (receipt.index !== walked.index + 1) yield ['chain', `receipt ${receipt.index} where ${walked.index + 1} is due`]
  else if (!equal(nextChain(walked.chain, receipt, signature), receipt.chain))
    yield ['chain', 'it does not continue the one before']
  walked.index = receipt.index
  walked.chain = receipt.chain
}

async function* verifyItems(
  row: EntryRow,
  { leaves }: MessageStatement,
  { outcome }: ReceiptStatement,
  pathOf: (file: string) => string,
): AsyncGenerator<Finding> {
  const items = splitItems(row, pathOf)
  // Pruned, or never kept.
  if (items === undefined) return
  if (outcome !== OUTCOME.stored || items.length !== leaves.length / LEAF_LENGTH) {
    return yield ['row', `it holds ${items.length} items, which its receipt does not say`]
  }
  for (const [i, item] of items.entries()) {
    const found = await hashOf(item)
    if (typeof found === 'string') yield ['item', `that of serial ${row.serial + i}: ${found}`]
    else if (!equal(found, leaves.subarray(LEAF_LENGTH * i, LEAF_LENGTH * (i + 1)))) {
      yield ['item', `that of serial ${row.serial + i} does not match its leaf`]
    }
  }
}

async function hashOf(item: Item): Promise<Uint8Array | string> {
  const hasher = sha256Stream()
  try {
    for await (const piece of readItem(item)) hasher.update(piece)
    return hasher.digest()
  } catch (error) {
    return (error as Error).message
  }
}

/** What the place says of itself against what its entries came to. */
function* verifyPlace(place: FullPlaceRow, walked: Walked, journal: Uint8Array): Generator<JournalFault> {
  const { next, conflicts } = walked
  const current = walked.journal !== undefined && equal(walked.journal, journal)
  const { index, chain } = current ? walked : atTheStart()
  const name = `of outbox ${hex(place.outbox)}`
  const fault = (what: string): JournalFault => ({ entry: undefined, part: 'end', what: `the place ${name} ${what}` })
  if (place.last + 1 !== next) yield fault(`has taken number ${place.last}, but its entries end at ${next - 1}`)
  if (place.receipts !== index) yield fault(`has given ${place.receipts} receipts, but its entries end at ${index}`)
  else if (!equal(place.chain, chain)) yield fault('ends in another chain than its entries')
  if (place.conflicts !== conflicts) yield fault(`counts ${place.conflicts} conflicts, but has ${conflicts}`)
}
