/** The public surface of @countersign/core: re-exports only. */
export { CountersignError, ERRORS, isError, LocalError, NetworkError, PeerError } from './errors.ts'
export type { ErrorCode, Fault } from './errors.ts'
export { generatePrivateKey, privateKeyPem, publicKeyFromSpki, publicKeyPem, readPrivateKey, readPublicKey } from './crypto/keys.ts'
export type { Algorithm, PrivateKey, PublicKey, RsaBits } from './crypto/keys.ts'
export { identity } from './crypto/signature.ts'
export type { Identity } from './crypto/signature.ts'
