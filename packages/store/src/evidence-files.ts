/** What stands in an evidence folder beside item and body: all of it follows from the signed statements and the keys. */
import { type PublicKey, publicKeyPem } from '@countersign/core'
import {
  countOf,
  hex,
  type ItemParts,
  LEAF_LENGTH,
  MESSAGE_TYPE,
  outcomeName,
  pae,
  RECEIPT_TYPE,
  sha256,
  type SignedStatement,
  utf8,
  view,
} from '@countersign/core/protocol'
import type { Evidence } from './evidence.ts'

/** The head of an item, and the item's length in bytes. */
export interface ItemHead extends ItemParts {
  readonly length: number
}

export interface EvidenceParts extends Omit<Evidence, 'item'> {
  readonly sender: PublicKey
  readonly receiver: PublicKey
  /** Undefined where the item is not held. */
  readonly head: ItemHead | undefined
}

/** Bytes of a message statement before its leaves, and of a receipt statement before its digest. */
const LEAVES_AT = 100
const DIGEST_AT = 92

/** Statements of 4096 leaves in base64, and attributes with every character escaped, stay far below. */
const MOST_FIXED = 1024 * 1024

/** All that may stand in an evidence folder, and how long each may be. */
export const EVIDENCE_FILES: ReadonlyMap<string, number> = new Map([
  ['item', Infinity],
  ['body', Infinity],
  ...['message.pae', 'message.sig', 'receipt.pae', 'receipt.sig', 'sender.pub.pem', 'receiver.pub.pem'].map(fixedLength),
  ...['message.dsse.json', 'receipt.dsse.json', 'evidence.json', 'VERIFY.txt'].map(fixedLength),
])

function fixedLength(name: string): [string, number] {
  return [name, MOST_FIXED]
}

/** The files, by their names. */
export function fixedFiles(parts: EvidenceParts): Map<string, Uint8Array> {
  const { message, receipt, sender, receiver } = parts
  return new Map([
    ['message.pae', pae(MESSAGE_TYPE, message.statement)],
    ['message.sig', message.signature],
    ['receipt.pae', pae(RECEIPT_TYPE, receipt.statement)],
    ['receipt.sig', receipt.signature],
    ['sender.pub.pem', utf8(publicKeyPem(sender))],
    ['receiver.pub.pem', utf8(publicKeyPem(receiver))],
    ['message.dsse.json', dsse(MESSAGE_TYPE, message, sender)],
    ['receipt.dsse.json', dsse(RECEIPT_TYPE, receipt, receiver)],
    ['evidence.json', json(decoded(parts))],
    ['VERIFY.txt', utf8(instructions(parts))],
  ])
}

/** A DSSE envelope. */
function dsse(payloadType: string, { statement, signature }: SignedStatement, { fingerprint }: PublicKey): Uint8Array {
  const signatures = [{ keyid: fingerprint, sig: base64(signature) }]
  return json({ payloadType, payload: base64(statement), signatures })
}

function base64(bytes: Uint8Array): string {
  return view(bytes).toString('base64')
}

function json(value: unknown): Uint8Array {
  return utf8(`${JSON.stringify(value, null, 2)}\n`)
}

/** Where a part of the payload stands in the file that holds its PAE. */
function inPae(type: string, payload: Uint8Array, at: number): number {
  return pae(type, payload).length - payload.length + at
}

function leafAt({ message, position }: EvidenceParts): number {
  return inPae(MESSAGE_TYPE, message.statement, LEAVES_AT + LEAF_LENGTH * position)
}

function digestAt({ receipt }: EvidenceParts): number {
  return inPae(RECEIPT_TYPE, receipt.statement, DIGEST_AT)
}

/** Milliseconds since 1970 as a date; those that no calendar here reaches as they are. */
function dateOf(ms: number): string | number {
  return ms <= 8.64e15 ? new Date(ms).toISOString() : ms
}

function fingerprintOf(keyId: Uint8Array): string {
  return `sha256//${base64(keyId)}`
}

function leafOf({ messageStatement: { leaves }, position }: EvidenceParts): Uint8Array {
  return leaves.subarray(LEAF_LENGTH * position, LEAF_LENGTH * (position + 1))
}

function decoded(parts: EvidenceParts): object {
  const { messageStatement, receiptStatement, position, head } = parts
  const { from, to, outbox, first, sentAt } = messageStatement
  const { outcome, receivedAt, journal, index, chain } = receiptStatement
  return {
    number: first + position,
    message: {
      from: fingerprintOf(from),
      to: fingerprintOf(to),
      outbox: hex(outbox),
      first,
      count: countOf(messageStatement),
      sentAt: dateOf(sentAt),
      leaf: hex(leafOf(parts)),
    },
    content: head
      ? { attributes: Object.fromEntries(head.attributes), itemLength: head.length, bodyLength: head.length - head.bodyAt }
      : null,
    receipt: {
      from: fingerprintOf(receiptStatement.from),
      to: fingerprintOf(receiptStatement.to),
      outcome: outcomeName(outcome),
      receivedAt: dateOf(receivedAt),
      digest: hex(receiptStatement.digest),
      journal: hex(journal),
      index,
      chain: hex(chain),
    },
  }
}

const MEANINGS = {
  stored: 'it holds every message of the envelope, durably',
  received: 'it holds every message of the envelope, in memory',
  refused: 'it refused the envelope, and keeps nothing of it but this',
  conflict: 'another envelope stands at one of these numbers; both were signed by the sender',
  withdrawn: 'the sender withdrew the envelope before it was stored',
} as const

function instructions(parts: EvidenceParts): string {
  const { head, messageStatement, receiptStatement, sender, receiver, message, receipt } = parts
  const outcome = outcomeName(receiptStatement.outcome)
  const digest = sha256(pae(MESSAGE_TYPE, message.statement))
  const steps: [string, string][] = []
  if (head) {
    steps.push([
      `The hash of the item is ${hex(leafOf(parts))}, and stands in what the sender signed, from byte ${leafAt(parts)} on.`,
      `sha256sum item\n${bytesOf('message.pae', leafAt(parts), LEAF_LENGTH)}`,
    ])
    steps.push([
      `The body is the item without its first ${head.bodyAt} bytes, which are a salt and the attributes.`,
      `tail -c +${head.bodyAt + 1} item | cmp - body`,
    ])
  }
  steps.push(['The sender signed the message.', verification(sender, 'sender.pub.pem', 'message')])
  steps.push([
    `What the sender signed has the hash ${hex(digest)}, and that stands in the receipt, from byte ${digestAt(parts)} on.`,
    `sha256sum message.pae\n${bytesOf('receipt.pae', digestAt(parts), 32)}`,
  ])
  steps.push(['The receiver signed the receipt.', verification(receiver, 'receiver.pub.pem', 'receipt')])
  const [messageFrom, receiptFrom] = [inPae(MESSAGE_TYPE, message.statement, 0), inPae(RECEIPT_TYPE, receipt.statement, 0)]
  steps.push([
    `The keys are those that the message and the receipt name, from byte ${messageFrom} and ${receiptFrom} on: sender ${hex(sender.id)}, receiver ${hex(receiver.id)}.\nWhose they are, this folder cannot say: compare with what the two gave you.`,
    [
      'openssl pkey -pubin -in sender.pub.pem -outform DER | sha256sum',
      bytesOf('message.pae', messageFrom, 32),
      'openssl pkey -pubin -in receiver.pub.pem -outform DER | sha256sum',
      bytesOf('receipt.pae', receiptFrom, 32),
    ].join('\n'),
  ])
  const number = messageStatement.first + parts.position
  const missing = head ? '' : '\nThe message itself is not here: whoever has it can hold it against the leaf in evidence.json.\n'
  return `Evidence of message ${number}: what its sender signed, and what its receiver answered.
The receiver says "${outcome}": ${MEANINGS[outcome]}.
${missing}
Each step below has to succeed, or to print the value that it names. Nothing is needed but these files${needs(sender, receiver)}.

${steps.map(([what, commands], i) => `${i + 1}. ${what}\n\n${commands.replaceAll(/^/gm, '    ')}\n`).join('\n')}`
}

function needs(...keys: readonly PublicKey[]): string {
  const least = keys.some(({ algorithm }) => algorithm === 'ml-dsa-65') ? '3.5' : '3.0'
  return ` and OpenSSL ${least} or later`
}

/** A command that prints bytes of a file in hexadecimal. */
function bytesOf(file: string, from: number, length: number): string {
  return `tail -c +${from + 1} ${file} | head -c ${length} | od -An -v -tx1 | tr -d ' \\n'; echo`
}

function verification({ algorithm }: PublicKey, pem: string, what: string): string {
  if (algorithm !== 'rsa') {
    return `openssl pkeyutl -verify -pubin -inkey ${pem} -rawin -in ${what}.pae -sigfile ${what}.sig`
  }
  const options = '-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32'
  return `openssl dgst ${options} -verify ${pem} -signature ${what}.sig ${what}.pae`
}
