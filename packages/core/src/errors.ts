/**
 * Every error of this package: a stable code, who is at fault, and what it says.
 *
 * Rich here, silent on the wire: nothing of this reaches a peer that has not proved itself (protocol section 2).
 */

export type Fault = 'local' | 'peer' | 'network'

/** The table of codes. A code never changes its meaning; docs/ERRORS.md is made from it. */
export const ERRORS = {
  KEY_FORMAT: { fault: 'local', message: 'not a PEM file with one key' },
  KEY_TYPE: { fault: 'local', message: 'a key of a type or size that this protocol does not use' },
  KEY_WEAK: { fault: 'local', message: 'a key that gives no security' },
  KEY_PRIVATE: { fault: 'local', message: 'a private key stands where a public key belongs' },
  KEY_PASSPHRASE: { fault: 'local', message: 'the passphrase is missing or wrong' },
  OPTION: { fault: 'local', message: 'an option has no meaning' },
  MESSAGE_FORM: { fault: 'local', message: 'a message that cannot be sent' },
  MESSAGE_TOO_LONG: { fault: 'local', message: 'the message is longer than the peer takes' },
  PEER_NOT_RECEIVING: { fault: 'local', message: 'the peer does not receive messages in this session' },
  SESSION_ENDED: { fault: 'local', message: 'the session has ended' },
  INTERNAL: { fault: 'local', message: 'a fault in this program' },
  ABORTED: { fault: 'local', message: 'aborted by the caller' },
  STORAGE: { fault: 'local', message: 'the journal or outbox could not be written' },
  BACKUP: { fault: 'local', message: 'a backup of a journal, which has to be restored before it is one' },
  PLACE_MOVED: { fault: 'local', message: 'another process has stored messages at this place' },

  HELLO_REJECTED: { fault: 'peer', message: 'the first frame is not a fresh HELLO made with our public key' },
  FRAME: { fault: 'peer', message: 'a frame of an illegal type, order or length' },
  ENCODING: { fault: 'peer', message: 'bytes that do not decode as the protocol lays them out' },
  NOT_AUTHENTIC: { fault: 'peer', message: 'data that was not sealed with the session keys' },
  WRONG_PEER: { fault: 'peer', message: 'the peer did not prove the pinned key' },
  OWN_KEY: { fault: 'peer', message: 'the peer uses our own key' },
  UNTRUSTED: { fault: 'peer', message: 'the peer is not trusted, or did not prove its key' },
  REVOKED: { fault: 'peer', message: 'the key is revoked' },
  REFUSED: { fault: 'peer', message: 'the peer refused the connection' },
  BUSY: { fault: 'peer', message: 'the peer is busy; try later' },
  BAD_SIGNATURE: { fault: 'peer', message: 'a signature does not verify' },
  PROTOCOL: { fault: 'peer', message: 'the peer broke the protocol' },
  LIMIT: { fault: 'peer', message: 'the peer went past a limit' },
  GAP: { fault: 'peer', message: 'message numbers are missing before this one' },
  RECEIPT: { fault: 'peer', message: 'a receipt that does not fit what was sent' },
  SUPERSEDED: { fault: 'peer', message: 'a newer session took the place of this one' },
  CLOSED_BY_PEER: { fault: 'peer', message: 'the peer ended the session' },
  PEER_STORAGE: { fault: 'peer', message: 'the peer cannot store messages now' },
  MESSAGE_REFUSED: { fault: 'peer', message: 'the peer refused the message by its policy, with a signed receipt' },
  MESSAGE_CONFLICT: { fault: 'peer', message: 'the peer holds another message at this number' },
  MESSAGE_WITHDRAWN: { fault: 'local', message: 'the message was withdrawn before it was stored' },
  SERVER_REGRESSED: { fault: 'peer', message: 'the peer has lost messages that it had given receipts for' },
  OUTBOX_BEHIND: { fault: 'local', message: 'the peer holds later messages of this outbox than the outbox itself' },

  CONNECT: { fault: 'network', message: 'no connection' },
  NO_ANSWER: { fault: 'network', message: 'the peer did not answer the handshake in time' },
  TRUNCATED: { fault: 'network', message: 'the connection ended before the peer closed the session' },
  IDLE: { fault: 'network', message: 'nothing was heard from the peer for too long' },
} as const

/** Every code that an error of this package can have. */
export type ErrorCode = keyof typeof ERRORS

type CodeOf<F extends Fault> = { [C in ErrorCode]: (typeof ERRORS)[C]['fault'] extends F ? C : never }[ErrorCode]

/** The codes of this side's own faults. */
export type LocalErrorCode = CodeOf<'local'>
/** The codes of the peer's faults. */
export type PeerErrorCode = CodeOf<'peer'>
/** The codes of what fails between the two. */
export type NetworkErrorCode = CodeOf<'network'>

/** What every error of this package is; its three classes say who is at fault. */
export abstract class CountersignError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C
  abstract readonly fault: Fault

  constructor(code: C, detail?: string, options?: ErrorOptions) {
    const { message } = ERRORS[code]
    super(detail === undefined ? message : `${message}: ${detail}`, options)
    this.code = code
  }
}

/** This side's caller, configuration or disk is at fault. */
export class LocalError extends CountersignError<LocalErrorCode> {
  override readonly name = 'LocalError'
  readonly fault = 'local'
}

/** The peer, or whoever answers in its place, is at fault. */
export class PeerError extends CountersignError<PeerErrorCode> {
  override readonly name = 'PeerError'
  readonly fault = 'peer'
}

/** What lies between the two is at fault. */
export class NetworkError extends CountersignError<NetworkErrorCode> {
  override readonly name = 'NetworkError'
  readonly fault = 'network'
}

/** Whether something thrown is an error of this package with this code. */
export function isError<C extends ErrorCode>(error: unknown, code: C): error is CountersignError<C> {
  return error instanceof CountersignError && error.code === code
}
