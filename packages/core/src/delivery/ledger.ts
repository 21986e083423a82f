/** One place's receipts: their chain, their making, and their order (protocol section 9). */
import { domainHash, sha256 } from '../crypto/hash.ts'
import { type Identity, pae } from '../crypto/signature.ts'
import type { Peer } from '../handshake/step.ts'
import { encode } from '../wire/codec.ts'
import { countOf, type ItemParts, type MessageStatement } from '../wire/envelope.ts'
import { chainLink, OUTCOME, type Outcome, RECEIPT_TYPE, type ReceiptStatement, receiptStatement } from '../wire/receipt.ts'
import { Signed, type SignedStatement } from '../wire/records.ts'
import { type BlobLike, type Head, type Journal, NO_POSITION, type Place, type Spool } from './journal.ts'
import { Message } from './message.ts'
import type { PartStream } from './part-stream.ts'

/** An envelope whose signature has been verified. */
export interface Incoming {
  readonly statement: MessageStatement
  readonly message: SignedStatement
  readonly digest: Uint8Array
}

/** Whose receipts these are, and who is told of them. */
export interface LedgerOptions {
  readonly place: Place
  readonly peer: Peer
  readonly identity: Identity
  readonly journal: Journal
  /** Milliseconds since 1970, UTC. */
  readonly now: () => number
  /** Gives a receipt, once what it says is true. */
  readonly respond: (receipt: SignedStatement) => void
  /** Hands on messages that are stored and receipted. */
  readonly deliver: (messages: readonly Message[]) => void
}

/** chain(n) of section 9, where `before` is chain(n - 1). */
export function nextChain(
  before: Uint8Array,
  receipt: Pick<ReceiptStatement, 'index' | 'digest' | 'outcome' | 'receivedAt'>,
  messageSignature: Uint8Array,
): Uint8Array {
  return domainHash('chain', chainLink(before, receipt, sha256(messageSignature)))
}

/** A receipt on its way into the journal. */
interface Appended {
  readonly receipt: SignedStatement
  readonly stored: Promise<unknown>
}

/** One for all ledgers. */
const NOTHING_YET: Promise<unknown> = Promise.resolve()

/** The receipts of one place in one session: made in order, given once they are stored (section 9). */
export class Ledger {
  readonly #options: LedgerOptions
  /** Where the place stands once all that was given to the journal is stored. */
  head: Head
  /** Answers that are not given yet. */
  unanswered = 0
  /** Resolves when all answers so far are given. */
  answered: Promise<unknown> = NOTHING_YET
  readonly #parts: Pick<PartStream, 'finish'>
  /** The last call of append that waits for its signature, or for one before it */
  #appending: Promise<Appended> | undefined

  /** @param parts finished with the first failure: nothing is answered after it */
  constructor(options: LedgerOptions, head: Head, parts: Pick<PartStream, 'finish'>) {
    this.#options = options
    this.head = head
    this.#parts = parts
  }

  /**
   * Makes the next receipt of this place, has it and what it is for stored, then answers with it and delivers.
   *
   * Does not wait: what follows can be received meanwhile, and share the commit.
   */
  commit(incoming: Incoming, outcome: Outcome, items: readonly Uint8Array[] | Spool, parsed: readonly ItemParts[] = []): void {
    const { statement, message } = incoming
    const { place, peer, identity, journal } = this.#options
    const fields = this.#advance(incoming, outcome)
    const { next } = this.head.position
    const encoded = encode(receiptStatement, fields)
    const append = (signature: Uint8Array): Appended => {
      const receipt = new Signed(encoded, signature)
      const entry = { place, message, messageStatement: statement, receipt, receiptStatement: fields, next, items }
      const stored = journal.append(entry)
      // What fails is told in turn: the first failure is the cause of those behind it.
      stored.catch(ignore)
      return { receipt, stored }
    }
    const appended = this.#inOrder(identity.sign(pae(RECEIPT_TYPE, encoded)), append)
    this.#answer(appended, (receipt) => {
      if (parsed.length === 0) return undefined
      const envelope = { peer, statement, message, receipt, receivedAt: fields.receivedAt }
      const deliver = (bodies: readonly (Uint8Array | BlobLike)[]): void => {
        const messages = parsed.map(({ attributes, bodyAt }, i) => {
          return new Message(envelope, statement.first + i, attributes, bodies[i]!, bodyAt)
        })
        this.#options.deliver(messages)
      }
      return 'blob' in items ? items.blob().then((blob) => deliver([blob])) : deliver(items)
    })
  }

  /** The calls of the journal's append keep their order, whichever signature is there first; their completion is not waited for. */
  #inOrder(signing: Uint8Array | Promise<Uint8Array>, append: (signature: Uint8Array) => Appended): Appended | Promise<Appended> {
    const before = this.#appending
    if (before === undefined && signing instanceof Uint8Array) return append(signing)
    const appending = Promise.all([signing, before]).then(([signature]) => append(signature))
    const settle = (): void => {
      if (this.#appending === appending) this.#appending = undefined
    }
    // Behind one that fails nothing is appended.
    appending.then(settle, ignore)
    return (this.#appending = appending)
  }

  /** The next receipt's statement; the head moves on to it. */
  #advance({ statement, message, digest }: Incoming, outcome: Outcome): ReceiptStatement {
    const { identity, journal, now } = this.#options
    const { position, index: last, chain: before, conflicts } = this.head
    const count = countOf(statement)
    const link = { index: last + 1, digest, outcome, receivedAt: now() }
    const chain = nextChain(before, link, message.signature)
    const conflict = outcome === OUTCOME.conflict
    this.head = {
      position: conflict ? position : { ...NO_POSITION, next: statement.first + count },
      index: link.index,
      chain,
      conflicts: conflicts + (conflict ? 1 : 0),
    }
    const { from: to, outbox, first } = statement
    return { ...link, from: identity.publicKey.id, to, outbox, first, count, journal: journal.id, chain }
  }

  /** Gives an answer that is known once all before it are given. */
  answer(receipt: SignedStatement): void {
    this.#answer({ receipt, stored: NOTHING_YET })
  }

  /** Gives an answer once it is stored and all before it are given. */
  #answer(appended: Appended | Promise<Appended>, then?: (receipt: SignedStatement) => void | Promise<void>): void {
    const before = this.answered
    const give = async (): Promise<void> => {
      await before
      const { receipt, stored } = appended instanceof Promise ? await appended : appended
      await stored
      this.unanswered -= 1
      this.#options.respond(receipt)
      const delivering = then?.(receipt)
      if (delivering !== undefined) await delivering
    }
    this.unanswered += 1
    this.answered = give()
    this.answered.catch(() => this.#parts.finish())
  }
}

function ignore(): void {}
