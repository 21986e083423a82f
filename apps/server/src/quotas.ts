/** What a peer may take up of the journal, where many of its sessions ask at the same moment. */
import type { Journal, Place, Policy } from '@countersign/core'
import { equal, hex } from '@countersign/core/protocol'
import type { Usage } from '@countersign/store'
import { journalWith } from './journal-with.ts'

/** Most that may be there of one peer's; what is not said has no end. */
export interface Quota {
  /** Bytes in the journal, what is announced but has not come yet included */
  readonly mostBytes?: number
  /** Places in the journal: each outbox of a peer's has one for good, and each message that is sent with --ephemeral */
  readonly mostPlaces?: number
  /** Long messages that may have come in part at a time, of one place one */
  readonly mostPartials?: number
}

type Envelope = Parameters<NonNullable<Policy['envelope']>>[0]

/** An envelope that the journal has not been given yet. */
interface Note extends Pick<Envelope, 'place' | 'first' | 'partial'> {
  readonly bytes: number
  /** False once it is known that the journal will not be given it. */
  counts: boolean
}

/**
 * Holds envelopes against quotas. What is let through counts from that moment on, before anything of it is stored.
 *
 * An envelope is noted as it is asked for, in the same turn in which the journal is asked for what is there, and the note goes
 * in the turn in which the journal is given the envelope. A journal does what it is told in order: so each envelope is
 * counted once by all that are asked for behind it, there or here.
 */
export class Quotas {
  readonly #usageOf: (place: Place) => Promise<Usage>
  /** By sender, in the order in which they were asked for */
  readonly #notes = new Map<string, Set<Note>>()

  /** @param usageOf what a place's peer takes up of the journal beside it */
  constructor(usageOf: (place: Place) => Promise<Usage>) {
    this.#usageOf = usageOf
  }

  /** Whether there is room for an envelope: it is taken up then, until the journal has it, or `over`. */
  async take({ place, first, lengths, partial }: Envelope, quota: Quota): Promise<boolean> {
    const { mostBytes = Infinity, mostPlaces = Infinity, mostPartials = Infinity } = quota
    if (mostBytes === Infinity && mostPlaces === Infinity && mostPartials === Infinity) return true
    const bytes = lengths.reduce((sum, length) => sum + length, 0)
    const note = { place, first, partial, bytes, counts: true }
    const before = this.#notedBefore(note)
    try {
      const used = { ...(await this.#usageOf(place)) }
      for (const one of before) {
        if (!one.counts) continue
        used.bytes += one.bytes
        if (one.partial) used.partials += 1
        // A place is made with its first number; one that is there already was so before each that is made now.
        if (one.first === 1 && first === 1) used.places += 1
      }
      const fits = used.bytes + bytes <= mostBytes && used.places < mostPlaces && !(partial && used.partials >= mostPartials)
      if (!fits) this.#drop(note)
      return fits
    } catch (error) {
      this.#drop(note)
      throw error
    }
  }

  /** What a session was let through with will not be given to the journal: the one that begins with this number, or all of it. */
  over(place: Place, first?: number): void {
    for (const note of this.#of(place)) if (first === undefined || note.first === first) this.#drop(note)
  }

  /** The same journal, which counts what it is given from then on by itself. */
  booking(journal: Journal): Journal {
    return journalWith(journal, {
      append: (entry) => {
        for (const note of this.#of(entry.place)) if (note.first === entry.messageStatement.first) this.#forget(note)
        return journal.append(entry)
      },
      spool: (place, digest, length) => {
        for (const note of this.#of(place)) if (note.partial) this.#forget(note)
        return journal.spool(place, digest, length)
      },
    })
  }

  /** Adds a note. @returns those that stand before it and count beside it: not what a session that it has taken over left */
  #notedBefore(note: Note): Note[] {
    const sender = hex(note.place.sender)
    const standing = this.#notes.get(sender) ?? new Set()
    const before = [...standing].filter(({ place }) => place === note.place || !equal(place.outbox, note.place.outbox))
    this.#notes.set(sender, standing.add(note))
    return before
  }

  /** The notes of one session, whose own the object is. */
  #of(place: Place): Note[] {
    if (this.#notes.size === 0) return []
    return [...(this.#notes.get(hex(place.sender)) ?? [])].filter((note) => note.place === place)
  }

  #drop(note: Note): void {
    note.counts = false
    this.#forget(note)
  }

  #forget(note: Note): void {
    const sender = hex(note.place.sender)
    const standing = this.#notes.get(sender)
    standing?.delete(note)
    if (standing?.size === 0) this.#notes.delete(sender)
  }
}
