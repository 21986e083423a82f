/** A message and who sent it, whether it has just come or has long been in the journal. */
import type { Message } from '@countersign/core'
import { type Attributes, equal, hex } from '@countersign/core/protocol'
import type { Home } from '@countersign/keyexchange'
import type { StoredMessage } from '@countersign/store'

export interface Letter {
  /** Its number in the journal, where it is in one */
  readonly id?: number
  readonly from: { readonly name: string; readonly fingerprint: string }
  /** The outbox that it came from: hexadecimal */
  readonly outbox: string
  /** Its number at that outbox */
  readonly number: number
  /** When its sender says it was sent: a claim */
  readonly sentAt: Date
  readonly receivedAt: Date
  /** What it says; undefined where that was pruned */
  readonly content: Content | undefined
}

export interface Content {
  readonly attributes: Attributes
  /** The body's length in bytes */
  readonly length: number
  bytes(): Promise<Uint8Array>
  stream(): AsyncIterable<Uint8Array>
}

/** A message as a session has delivered it. */
export function arrived(message: Message): Letter {
  const { peer, statement } = message.envelope
  const { fingerprint } = peer.keys.find(({ id }) => equal(id, statement.from))!
  const { number, sentAt, receivedAt } = message
  return { from: { name: peer.name!, fingerprint }, outbox: hex(statement.outbox), number, sentAt, receivedAt, content: message }
}

/** A message as the journal holds it. @throws LocalError STORAGE */
export async function stored(message: StoredMessage, home: Home): Promise<Letter> {
  const { serial: id, number, sentAt, receivedAt, entry } = message
  const outbox = hex(entry.messageStatement.outbox)
  return { id, from: senderOf(message, home), outbox, number, sentAt, receivedAt, content: await message.content() }
}

/** Whether a message answers the one with this id; any does where no id is said. */
export function answers({ content }: Letter, id: string | undefined): boolean {
  return id === undefined || content?.attributes.get('in-reply-to') === id
}

/** Who signed a stored message: by the name of its key here, also after a rotation or a revocation. */
export function senderOf({ sender }: StoredMessage, home: Home): Letter['from'] {
  const known = home.evidence(sender)
  return {
    name: known?.name ?? 'a peer that is forgotten',
    fingerprint: known?.publicKey.fingerprint ?? `sha256//${Buffer.from(sender).toString('base64')}`,
  }
}
