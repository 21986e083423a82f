/** Checks evidence folders, and names the files that do not fit. */
import { isError, LocalError, PeerError, type PublicKey, publicKeyPem, readPublicKey } from '@countersign/core'
import {
  countOf,
  decode,
  equal,
  fromUtf8,
  LEAF_LENGTH,
  type MessageStatement,
  messageStatement,
  pae,
  MESSAGE_TYPE,
  RECEIPT_TYPE,
  type ReceiptStatement,
  receiptStatement,
  sha256,
  sha256Stream,
  type SignedStatement,
  verify,
} from '@countersign/core/protocol'
import { createReadStream } from 'node:fs'
import { lstat, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { EVIDENCE_FILES, fixedFiles, type ItemHead } from './evidence-files.ts'
import { headOf } from './stored-message.ts'

/** What is wrong with one folder. */
export interface EvidenceFault {
  readonly folder: string
  /** The file that does not fit. */
  readonly file: string
  readonly what: string
}

/** What a folder proves. */
export interface VerifiedEvidence {
  readonly folder: string
  readonly faults: readonly EvidenceFault[]
  /** The keys that signed; whose they are the folder cannot say. Undefined where they cannot be read. */
  readonly sender: PublicKey | undefined
  readonly receiver: PublicKey | undefined
  /** The message's number at its sender's outbox. */
  readonly number: number | undefined
  readonly messageStatement: MessageStatement | undefined
  readonly receiptStatement: ReceiptStatement | undefined
}

/** What is known of the keys found in evidence. */
export interface VerifyOptions {
  /** Whether two different keyIds are of one chain of rotations; only equal ones are where it is not said. */
  readonly sameChain?: (a: Uint8Array, b: Uint8Array) => boolean
}

/**
 * Verifies an evidence folder, or each folder inside a folder.
 *
 * @throws LocalError STORAGE where there is no evidence
 */
export async function* verifyEvidence(folder: string, options: VerifyOptions = {}): AsyncGenerator<VerifiedEvidence> {
  const names = await readdir(folder).catch((cause: Error) => {
    throw new LocalError('STORAGE', cause.message, { cause })
  })
  if (names.includes('message.pae') || names.includes('receipt.pae')) return yield await new Folder(folder, options).verify()
  let found = false
  for (const name of names.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))) {
    const inner = join(folder, name)
    if (!(await stat(inner)).isDirectory()) continue
    found = true
    yield await new Folder(inner, options).verify()
  }
  if (!found) throw new LocalError('STORAGE', `${folder} holds no evidence`)
}

/**
 * Every receipt in evidence folders: for `verifyJournal` to hold a journal against.
 *
 * @throws LocalError STORAGE where there is none; PeerError BAD_SIGNATURE where one does not verify: what it is for would
 *   be missed by nobody
 */
export async function* receiptsIn(folder: string): AsyncGenerator<SignedStatement> {
  for await (const { folder: inner, receiver, receiptStatement } of verifyEvidence(folder)) {
    const receipt = receiver && receiptStatement && (await readReceipt(inner, receiver))
    if (!receipt) throw new PeerError('BAD_SIGNATURE', `the receipt in ${inner} does not verify`)
    yield receipt
  }
}

async function readReceipt(folder: string, receiver: PublicKey): Promise<SignedStatement | undefined> {
  const [bytes, signature] = [await readFile(join(folder, 'receipt.pae')), await readFile(join(folder, 'receipt.sig'))]
  const statement = statementOf(RECEIPT_TYPE, bytes)
  return statement && verify(receiver, bytes, signature) ? { statement, signature } : undefined
}

/** What a PAE of this type holds; undefined where it is none. */
function statementOf(type: string, bytes: Uint8Array): Uint8Array | undefined {
  const start = fromUtf8(bytes.subarray(0, type.length + 32).filter((byte) => byte < 0x80)) ?? ''
  const prefix = /^DSSEv1 \d+ \S+ (\d+) /.exec(start)
  if (prefix === null) return undefined
  const statement = bytes.subarray(prefix[0].length)
  return equal(pae(type, statement), bytes) ? statement : undefined
}

class Folder {
  readonly #folder: string
  readonly #options: VerifyOptions
  readonly #faults: EvidenceFault[] = []
  /** What is not opened: it might never end, or stand elsewhere tomorrow. */
  readonly #shut: Set<string> = new Set()

  constructor(folder: string, options: VerifyOptions) {
    this.#folder = folder
    this.#options = options
  }

  async verify(): Promise<VerifiedEvidence> {
    await this.#lookAround()
    const sender = await this.#key('sender.pub.pem')
    const receiver = await this.#key('receiver.pub.pem')
    const message = await this.#signed('message', MESSAGE_TYPE, messageStatement, sender)
    const receipt = await this.#signed('receipt', RECEIPT_TYPE, receiptStatement, receiver)
    const verified = {
      folder: this.#folder,
      faults: this.#faults,
      sender,
      receiver,
      number: undefined,
      messageStatement: message?.fields,
      receiptStatement: receipt?.fields,
    }
    if (message === undefined || receipt === undefined || sender === undefined || receiver === undefined) return verified
    this.#belongTogether(message.fields, message.signed, receipt.fields)
    const { position, head } = await this.#item(message.fields)
    if (position === undefined) return verified
    const parts = {
      message: message.signed,
      messageStatement: message.fields,
      receipt: receipt.signed,
      receiptStatement: receipt.fields,
      position,
      sender,
      receiver,
      head,
    }
    for (const [name, expected] of fixedFiles(parts)) {
      if (this.#faults.some(({ file }) => file === name)) continue
      const found = await this.#read(name)
      if (found !== undefined && !equal(found, expected)) this.#fault(name, 'it is not what the signed statements say')
    }
    return { ...verified, number: message.fields.first + position }
  }

  #fault(file: string, what: string): void {
    this.#faults.push({ folder: this.#folder, file, what })
  }

  /** Nothing vouches for what is no part of the evidence, and whoever reads "verified" takes it for all that lies there. */
  async #lookAround(): Promise<void> {
    for (const name of (await readdir(this.#folder)).toSorted()) {
      const found = await lstat(join(this.#folder, name))
      const most = EVIDENCE_FILES.get(name)
      if (most === undefined) this.#fault(name, 'it is no part of the evidence')
      else if (!found.isFile()) this.#shun(name, 'it is no file of its own')
      else if (found.size > most) this.#shun(name, 'it is longer than it can be')
    }
  }

  #shun(name: string, what: string): void {
    this.#fault(name, what)
    this.#shut.add(name)
  }

  async #read(name: string): Promise<Uint8Array | undefined> {
    if (this.#shut.has(name)) return undefined
    try {
      return await readFile(join(this.#folder, name))
    } catch (error) {
      this.#fault(name, (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'it is missing' : (error as Error).message)
      return undefined
    }
  }

  async #key(name: string): Promise<PublicKey | undefined> {
    const pem = await this.#read(name)
    if (pem === undefined) return undefined
    try {
      const key = readPublicKey(pem)
      if (fromUtf8(pem) !== publicKeyPem(key)) this.#fault(name, 'it is not the key alone, in its one form')
      return key
    } catch (error) {
      this.#fault(name, (error as Error).message)
      return undefined
    }
  }

  /** A statement that its signer's key verifies; where that fails, the DSSE envelope tells which file was changed. */
  async #signed<T extends { readonly from: Uint8Array }>(
    what: 'message' | 'receipt',
    type: string,
    codec: Parameters<typeof decode<T>>[0],
    key: PublicKey | undefined,
  ): Promise<{ readonly fields: T; readonly signed: SignedStatement } | undefined> {
    const bytes = await this.#read(`${what}.pae`)
    const signature = await this.#read(`${what}.sig`)
    if (bytes === undefined || signature === undefined || key === undefined) return undefined
    const statement = statementOf(type, bytes)
    const fields = statement && decoded(codec, statement)
    const signed = statement && fields && { fields, signed: { statement, signature } }
    // Anyone can sign a statement in which another's key stands.
    if (signed && equal(fields.from, key.id) && verify(key, bytes, signature)) return signed
    const other = await this.#dsse(what)
    const otherFields = other && decoded(codec, other.statement)
    const otherBytes = other && pae(type, other.statement)
    if (other && otherFields && equal(otherFields.from, key.id) && verify(key, otherBytes!, other.signature)) {
      if (!equal(bytes, otherBytes!)) this.#fault(`${what}.pae`, 'it is not what was signed')
      if (!equal(signature, other.signature)) this.#fault(`${what}.sig`, 'it does not verify')
      return { fields: otherFields, signed: other }
    }
    const named = fields ?? otherFields
    if (named && !equal(named.from, key.id)) {
      this.#fault(what === 'message' ? 'sender.pub.pem' : 'receiver.pub.pem', `it is not the key that the ${what} names`)
    } else this.#fault(`${what}.sig`, 'it does not verify')
    return undefined
  }

  async #dsse(what: string): Promise<SignedStatement | undefined> {
    if (this.#shut.has(`${what}.dsse.json`)) return undefined
    try {
      const { payload, signatures } = JSON.parse(await readFile(join(this.#folder, `${what}.dsse.json`), 'utf8'))
      return { statement: Buffer.from(payload, 'base64'), signature: Buffer.from(signatures[0].sig, 'base64') }
    } catch {
      return undefined
    }
  }

  /** Whether the receipt is for this message, by its receiver. */
  #belongTogether(message: MessageStatement, { statement }: SignedStatement, receipt: ReceiptStatement): void {
    const same = (a: Uint8Array, b: Uint8Array): boolean => equal(a, b) || this.#options.sameChain?.(a, b) === true
    const digest = sha256(pae(MESSAGE_TYPE, statement))
    const wrong = (what: string): void => this.#fault('receipt.pae', what)
    if (!equal(receipt.digest, digest)) wrong('it is for another message')
    else if (receipt.first !== message.first || receipt.count !== countOf(message)) wrong('it is for other numbers')
    else if (!equal(receipt.outbox, message.outbox)) wrong('it is for another outbox')
    else if (!same(receipt.from, message.to)) wrong('it is by another than the message was for')
    else if (!same(receipt.to, message.from)) wrong('it is for another than the message was by')
  }

  /** Which message of the envelope this is; its item is held against its leaf, and the body against the item. */
  async #item(
    message: MessageStatement,
  ): Promise<{ readonly position: number | undefined; readonly head: ItemHead | undefined }> {
    const claimed = await this.#claim(message)
    if (this.#shut.has('item')) return { position: undefined, head: undefined }
    const path = join(this.#folder, 'item')
    const length = (await stat(path).catch(() => undefined))?.size
    if (length === undefined) {
      if (claimed?.content === true) this.#fault('item', 'it is missing')
      else if (await this.#holds('body')) this.#fault('body', 'the item that would vouch for it is not here')
      return { position: claimed?.content === true ? undefined : claimed?.position, head: undefined }
    }
    const leaf = await hashOf(path)
    const found = positionOf(message, leaf)
    if (found === undefined) {
      this.#fault('item', 'its hash is no leaf of the message')
      return { position: undefined, head: undefined }
    }
    // A message may have a leaf in common with another only where its sender wanted that.
    const position = claimed !== undefined && equal(leafAt(message, claimed.position), leaf) ? claimed.position : found
    try {
      const head = { ...(await headOf({ length, at: { path } })), length }
      await this.#body(path, head)
      return { position, head }
    } catch (error) {
      if (!isError(error, 'STORAGE')) throw error
      this.#fault('item', 'its form is wrong')
      return { position: undefined, head: undefined }
    }
  }

  /** Which message evidence.json says it is, and whether its content should be here. */
  async #claim(message: MessageStatement): Promise<{ readonly position: number; readonly content: boolean } | undefined> {
    if (this.#shut.has('evidence.json')) return undefined
    try {
      const { number, content } = JSON.parse(await readFile(join(this.#folder, 'evidence.json'), 'utf8'))
      const position = Number(number) - message.first
      if (!Number.isInteger(position) || position < 0 || position >= countOf(message)) throw new Error('no such number')
      return { position, content: content !== null }
    } catch (error) {
      this.#fault('evidence.json', (error as Error).message)
      return undefined
    }
  }

  async #holds(name: string): Promise<boolean> {
    return (await stat(join(this.#folder, name)).catch(() => undefined)) !== undefined
  }

  async #body(item: string, { bodyAt }: ItemHead): Promise<void> {
    if (this.#shut.has('body')) return
    const path = join(this.#folder, 'body')
    if (!(await this.#holds('body'))) return this.#fault('body', 'it is missing')
    if (!equal(await hashOf(path), await hashOf(item, bodyAt))) this.#fault('body', 'it is not the body of the item')
  }
}

function decoded<T>(codec: Parameters<typeof decode<T>>[0], statement: Uint8Array): T | undefined {
  try {
    return decode(codec, statement)
  } catch {
    return undefined
  }
}

function leafAt({ leaves }: MessageStatement, position: number): Uint8Array {
  return leaves.subarray(LEAF_LENGTH * position, LEAF_LENGTH * (position + 1))
}

function positionOf(message: MessageStatement, leaf: Uint8Array): number | undefined {
  for (let position = 0; position < countOf(message); position++) {
    if (equal(leafAt(message, position), leaf)) return position
  }
  return undefined
}

async function hashOf(path: string, start = 0): Promise<Uint8Array> {
  const hasher = sha256Stream()
  for await (const piece of createReadStream(path, { start, highWaterMark: 1024 * 1024 })) hasher.update(piece as Uint8Array)
  return hasher.digest()
}
