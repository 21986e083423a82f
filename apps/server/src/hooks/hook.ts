/** What a hook is told of a message, whichever way it is told. */
import type { Message } from '@countersign/core'
import { equal, hex } from '@countersign/core/protocol'

/** One way to hand messages on. */
export interface Hook {
  /** What its cursor and the messages that it could not hand on are kept under */
  readonly name: string
  /** Hands a message on. @throws Error that says why it did not work */
  deliver(message: Message, id: string, signal: AbortSignal): Promise<void>
}

/** The fields of a message, by the names that the environment of a program gives them. */
export function fieldsOf(message: Message, id: string): Readonly<Record<string, string>> {
  const { envelope, attributes, number, length, sentAt, receivedAt } = message
  const { peer, statement } = envelope
  const key = peer.keys.find(({ id }) => equal(id, statement.from))!
  const optional = { CONTENT_TYPE: 'content-type', NAME: 'name', MESSAGE_ID: 'id', IN_REPLY_TO: 'in-reply-to' }
  return {
    ID: id,
    FROM: peer.name ?? '',
    FINGERPRINT: key.fingerprint,
    OUTBOX: hex(statement.outbox),
    NUMBER: String(number),
    LENGTH: String(length),
    SENT_AT: sentAt.toISOString(),
    RECEIVED_AT: receivedAt.toISOString(),
    ...Object.fromEntries(
      Object.entries(optional).flatMap(([field, name]) => (attributes.has(name) ? [[field, attributes.get(name)!]] : [])),
    ),
    ATTRIBUTES: JSON.stringify(Object.fromEntries(attributes)),
  }
}
