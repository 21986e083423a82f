/** Words of the BIP-39 English list: to look at, and as one-time codes. */
import type { PublicKey } from '@countersign/core'
import { wordlist } from '@scure/bip39/wordlists/english.js'

/** 2048 words, 11 bits each, in alphabetical order */
export const WORDS: readonly string[] = wordlist

const CHECK_WORDS = 6

/**
 * Six words to look at beside a fingerprint, and never to decide by: the first 66 bits of the keyId.
 *
 * @param keyId 32 bytes
 */
export function checkWords(keyId: Uint8Array): string {
  const bits = BigInt(`0x${Buffer.from(keyId).toString('hex')}`)
  return Array.from({ length: CHECK_WORDS }, (_, i) => WORDS[Number((bits >> BigInt(256 - 11 * (i + 1))) & 2047n)]).join(' ')
}

/** A key's type as people read it: `ed25519`, `rsa-3072`, `ml-dsa-65` */
export function keyType({ algorithm, signatureLength }: PublicKey): string {
  return algorithm === 'rsa' ? `rsa-${signatureLength * 8}` : algorithm
}
