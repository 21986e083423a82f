/** Evidence: one message and its receipt as a folder that anyone can check with OpenSSL alone. */
import { LocalError, type PublicKey } from '@countersign/core'
import type { MessageStatement, ReceiptStatement, SignedStatement } from '@countersign/core/protocol'
import { randomBytes } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fixedFiles } from './evidence-files.ts'
import type { KeptReceipt, OutboxMessage } from './outbox-reader.ts'
import { headOf, type Item, readItem, type StoredMessage } from './stored-message.ts'

/** A message, and its receipt. */
export interface Evidence {
  readonly message: SignedStatement
  readonly messageStatement: MessageStatement
  readonly receipt: SignedStatement
  readonly receiptStatement: ReceiptStatement
  /** Which message of its envelope it is, from 0. */
  readonly position: number
  /** Undefined where the body is no longer held: the receipt then proves what has the leaf's hash. */
  readonly item: Item | undefined
}

/** Looks up a public key, also an old or revoked one, by its keyId. */
export type KeyOf = (keyId: Uint8Array) => PublicKey | undefined

/** What a receiver holds of a message. */
export function receivedEvidence({ entry, position, item }: StoredMessage): Evidence {
  const { message, messageStatement, receipt, receiptStatement } = entry
  return { message, messageStatement, receipt, receiptStatement, position, item }
}

/** What a sender holds of a message: with its newest receipt. Undefined where none has come. */
export async function sentEvidence(message: OutboxMessage): Promise<Evidence | undefined> {
  const last = (await message.receipts()).at(-1)
  return last && { ...ofReceipt(last), position: message.serial - last.serial, item: message.item }
}

/** The evidence of each message that a receipt is for. */
export function receiptEvidence(kept: KeptReceipt): Evidence[] {
  return Array.from({ length: kept.receiptStatement.count }, (_, position) => {
    return { ...ofReceipt(kept), position, item: kept.items?.[position] }
  })
}

function ofReceipt({ message, messageStatement, receipt, receiptStatement }: KeptReceipt): Omit<Evidence, 'position' | 'item'> {
  return { message, messageStatement, receipt, receiptStatement }
}

/**
 * Writes evidence into a new folder, which has its name once it is whole.
 *
 * @throws LocalError STORAGE, also where the folder exists; KEY_FORMAT where a key is not known
 */
export async function exportEvidence(folder: string, evidence: Evidence, { keyOf }: { readonly keyOf: KeyOf }): Promise<void> {
  const target = resolve(folder)
  // A name of its own: whatever else stands there is somebody's.
  const draft = `${target}.${randomBytes(8).toString('hex')}.draft`
  const { messageStatement, receiptStatement, item } = evidence
  const keys = { sender: keyOf(messageStatement.from), receiver: keyOf(receiptStatement.from) }
  if (keys.sender === undefined || keys.receiver === undefined) {
    const whose = keys.sender === undefined ? 'sender' : 'receiver'
    throw new LocalError('KEY_FORMAT', `the public key of the ${whose} is not known`)
  }
  const head = item && { ...(await headOf(item)), length: item.length }
  try {
    await mkdir(dirname(target), { recursive: true })
    await mkdir(draft)
    const fixed = fixedFiles({ ...evidence, sender: keys.sender, receiver: keys.receiver, head })
    for (const [name, content] of fixed) await writeFile(join(draft, name), content)
    if (item !== undefined) {
      await writeFile(join(draft, 'item'), readItem(item))
      await writeFile(join(draft, 'body'), readItem(item, head!.bodyAt))
    }
    // Fails where the folder exists and holds anything.
    await rename(draft, target)
  } catch (cause) {
    await rm(draft, { recursive: true, force: true })
    throw new LocalError('STORAGE', `${folder}: ${(cause as Error).message}`, { cause })
  }
}
