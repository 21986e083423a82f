/** What a server counts while it runs: the numbers behind `status` and /metrics. */
import type { CountersignError, Entry, Journal } from '@countersign/core'
import { OUTCOME } from '@countersign/core/protocol'
import { journalWith } from '../journal-with.ts'
import { OVERLOAD } from '../turned-away.ts'

const OUTCOMES = new Map<number, string>(Object.entries(OUTCOME).map(([name, outcome]) => [outcome, name]))

export class Meter {
  /** When it began; ms since 1970, UTC */
  readonly since: number = Date.now()
  /** By `accepted`, the code of what went wrong, or OVERLOAD. */
  readonly handshakes: Map<string, number> = new Map([['accepted', 0]])
  /** By outcome. */
  readonly receipts: Map<string, number> = new Map([...OUTCOMES.values()].map((name) => [name, 0]))
  /** Sessions that are open. */
  sessions = 0
  /** Messages stored, and the bytes of their items. */
  messages = 0
  bytes = 0
  /** Envelopes that wait for their commit. */
  committing = 0
  /** Why the last commit failed; undefined where it did not. */
  failure: string | undefined
  /** Told how long each commit took, in seconds. */
  onCommit: (seconds: number) => void = () => {}

  /** A session began; it counts until it is over. */
  accepted(over: Promise<unknown>): void {
    increase(this.handshakes, 'accepted', 1)
    this.sessions += 1
    void over.then(() => (this.sessions -= 1))
  }

  rejected({ code }: CountersignError): void {
    increase(this.handshakes, code, 1)
  }

  overloaded(): void {
    increase(this.handshakes, OVERLOAD, 1)
  }

  /** The same journal, whose commits are counted. */
  metered(journal: Journal): Journal {
    return journalWith(journal, { append: (entry) => this.#append(journal, entry) })
  }

  async #append(journal: Journal, entry: Entry): Promise<void> {
    const { outcome, count } = entry.receiptStatement
    // A memory journal takes its items over.
    const { items } = entry
    const bytes = 'offset' in items ? items.length : items.reduce((sum, { length }) => sum + length, 0)
    const began = performance.now()
    this.committing += 1
    try {
      await journal.append(entry)
      this.failure = undefined
    } catch (error) {
      this.failure = (error as Error).message
      throw error
    } finally {
      this.committing -= 1
    }
    this.onCommit((performance.now() - began) / 1000)
    increase(this.receipts, OUTCOMES.get(outcome)!, 1)
    if (outcome !== OUTCOME.stored && outcome !== OUTCOME.received) return
    this.messages += count
    this.bytes += bytes
  }
}

function increase(counts: Map<string, number>, name: string, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by)
}
