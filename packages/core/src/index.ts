/**
 * The public surface of @countersign/core: re-exports only.
 *
 * @module @countersign/core
 */
export { CountersignError, ERRORS, isError, LocalError, NetworkError, PeerError } from './errors.ts'
export type { ErrorCode, Fault, LocalErrorCode, NetworkErrorCode, PeerErrorCode } from './errors.ts'
export {
  generatePrivateKey,
  privateKeyPem,
  publicKeyFromSpki,
  publicKeyPem,
  readPrivateKey,
  readPublicKey,
} from './crypto/keys.ts'
export type { Algorithm, PrivateKey, PublicKey, RsaBits } from './crypto/keys.ts'
export { identity } from './crypto/signature.ts'
export type { Identity } from './crypto/signature.ts'
export { memoryJournal } from './delivery/memory-journal.ts'
export type { MemoryJournalOptions } from './delivery/memory-journal.ts'
export type { BlobLike, Entry, Head, Journal, Place, Spool } from './delivery/journal.ts'
export type { MessageBody, MessageOptions, OutgoingEnvelope } from './delivery/compose.ts'
export type { ChainHead, EnvelopeReceipt, Outbox, Receipt, SendingSession } from './delivery/outbox.ts'
export type { Message, ReceivedEnvelope } from './delivery/message.ts'
export type { Policy } from './delivery/receiver.ts'
export type { VerifiedPeer } from './handshake/peer.ts'
export type { Peer, Trust } from './handshake/step.ts'
export type { Limits } from './session/limits.ts'
export type { Attributes, MessageStatement } from './wire/envelope.ts'
export type { FrameName, Position } from './wire/frames.ts'
export type { Outcome, OutcomeName, ReceiptStatement } from './wire/receipt.ts'
export { REASON } from './wire/records.ts'
export type { KindName, Reason, SignedStatement } from './wire/records.ts'
export type { AdmissionOptions } from './node/admission.ts'
export { connect } from './node/connect.ts'
export type { ConnectOptions } from './node/connect.ts'
export { listen } from './node/listen.ts'
export type { ListenOptions, Server } from './node/listen.ts'
export { secureClient, secureServer } from './node/secure.ts'
export type { ClientOptions, ServerOptions } from './node/secure.ts'
export type { SecureSession, SessionEnd } from './node/secure-session.ts'
export type { CommonOptions, PinnedPeer, Peers, Trace, TraceEvent } from './node/options.ts'
