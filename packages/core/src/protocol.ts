/** @experimental The sans-IO pieces, for other transports, other tools and tests. */
export * from './bytes.ts'
export * from './crypto/aead.ts'
export * from './crypto/hash.ts'
export * from './crypto/kem.ts'
export { checkedPrivateKey } from './crypto/keys.ts'
export { pae, signatureContext, verify, verifyStandIn, wrap } from './crypto/signature.ts'
export * from './wire/codec.ts'
export type { Peer, Trust } from './handshake/step.ts'
