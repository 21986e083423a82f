/** The first receipt of a place, given a second time and saying something else: for a plant. */
import type { Identity } from '@countersign/core'
import {
  CHAIN_START,
  decode,
  encode,
  nextChain,
  pae,
  RECEIPT_TYPE,
  receiptStatement,
  type SignedStatement,
} from '@countersign/core/protocol'

export async function signAnew(
  identity: Identity,
  message: SignedStatement,
  { statement }: SignedStatement,
): Promise<SignedStatement> {
  const before = decode(receiptStatement, statement)
  const later = { ...before, receivedAt: before.receivedAt + 1 }
  // A chain that was broken as well its sender would notice by itself.
  const anew = encode(receiptStatement, { ...later, chain: nextChain(CHAIN_START.chain, later, message.signature) })
  return { statement: anew, signature: await identity.sign(pae(RECEIPT_TYPE, anew)) }
}
