/** What an attack is, and how its attempts are counted. */
import type { Ground } from './ground.ts'

/** One way to try to break Countersign, kept. */
export interface Attack {
  /** What the attacker does, in a line. */
  readonly title: string
  /** What is tried, in a sentence or two. */
  readonly tries: string
  /**
   * What is lost to it by a plain design: RSA key transport, AES without checking the tag, keys swapped in the clear,
   * a signature beside the message.
   */
  readonly plainDesignLoses: string
  /** Nothing else is run beside it: it measures, counts all that the server prints, or keeps this process busy. */
  readonly alone?: true
  run(ground: Ground): Promise<Cases>
}

/** The attempts of one attack: how each ended, and what shows that the attack itself works. */
export class Cases {
  readonly #endings = new Map<string, number>()
  readonly #controls: string[] = []
  readonly #faults: string[] = []
  readonly notes: string[] = []
  /** How many attempts were made, controls not counted. */
  count = 0

  /** An attempt, how it ended, and how it had to end: one of these. */
  attempt(what: string, ended: string, ...must: readonly string[]): void {
    this.count += 1
    this.#endings.set(ended, (this.#endings.get(ended) ?? 0) + 1)
    if (!must.includes(ended)) this.fault(`${what}: ended with ${ended}, not with ${must.join(' or ')}`)
  }

  /** The same code where it has to succeed; an attack that cannot succeed anywhere shows nothing. */
  control(what: string, ended: string, must: string): void {
    this.#controls.push(what)
    if (ended !== must) this.fault(`control, ${what}: ended with ${ended}, not with ${must}`)
  }

  /** What is worth saying beside the count: figures, mostly. */
  note(text: string): void {
    this.notes.push(text)
  }

  fault(what: string): void {
    this.#faults.push(what)
  }

  /** What went wrong; empty where everything held. */
  get faults(): readonly string[] {
    return this.#controls.length > 0 ? this.#faults : [...this.#faults, 'no control shows that this attack can succeed']
  }

  get controls(): readonly string[] {
    return this.#controls
  }

  /** How often each ending came, the most frequent first. */
  get endings(): string {
    const sorted = [...this.#endings].toSorted(([, a], [, b]) => b - a)
    return sorted.map(([ended, count]) => `${ended} (${count})`).join(', ')
  }
}
