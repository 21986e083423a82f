/** What a hook is told of a message, whichever way it is told. */
import type { Content, Letter } from '../letter.ts'

/** A message of the journal, with its body. */
export interface Post extends Letter {
  readonly id: number
  readonly content: Content
}

/** One way to hand messages on. */
export interface Hook {
  /** What its progress and the messages that it could not hand on are kept under */
  readonly name: string
  /** Hands a message on. @throws Error that says why it did not work */
  deliver(post: Post, signal: AbortSignal): Promise<void>
}

/** What attributes are called in the environment of a program. */
const KNOWN = { CONTENT_TYPE: 'content-type', NAME: 'name', MESSAGE_ID: 'id', IN_REPLY_TO: 'in-reply-to' } as const

/** The same for the same message, however often it is handed on and wherever its journal is restored. */
export function keyOf({ from, outbox, number }: Letter): string {
  return `${from.fingerprint}/${outbox}/${number}`
}

/** The fields of a message, by the names that the environment of a program gives them. */
export function fieldsOf(post: Post): Readonly<Record<string, string>> {
  const { id, from, outbox, number, sentAt, receivedAt, content } = post
  const { attributes, length } = content
  return {
    ID: String(id),
    KEY: keyOf(post),
    FROM: from.name,
    FINGERPRINT: from.fingerprint,
    OUTBOX: outbox,
    NUMBER: String(number),
    LENGTH: String(length),
    SENT_AT: sentAt.toISOString(),
    RECEIVED_AT: receivedAt.toISOString(),
    ...Object.fromEntries(
      Object.entries(KNOWN).flatMap(([field, name]) => (attributes.has(name) ? [[field, attributes.get(name)!]] : [])),
    ),
    ATTRIBUTES: JSON.stringify(Object.fromEntries(attributes)),
  }
}
