/** One bit of every byte of a recorded session, flipped: what the receiver makes of it, by replaying it through core. */
import { aeadKey, concat, seal } from '@countersign/core/protocol'
import { checkOf } from './checks.ts'
import type { Field, Layout } from './layout.ts'
import type { RecordedFrame, Recording } from './recording.ts'
import { Replay } from './replay.ts'

/** What became of a flip. */
export interface Verdict {
  /** The check that caught it, for people; undefined where nothing is wrong with what came of it. */
  readonly check: string | undefined
  readonly why: string
  /** The error of core's, as the receiving program would have it. */
  readonly code?: string
  readonly message?: string
  /** Whether the peer was told anything. */
  readonly answered: boolean
}

/** From and up to which byte of a frame a verdict, by its place in the list, was found. */
export type Run = readonly [from: number, to: number, verdict: number]

export interface Flips {
  readonly verdicts: readonly Verdict[]
  /** For each frame: bytes flipped on the way, by somebody without keys, */
  readonly outside: readonly (readonly Run[])[]
  /** and bytes flipped inside the seal, by somebody who holds this frame's key. */
  readonly inside: readonly (readonly Run[])[]
  /** How many there were. */
  readonly count: number
}

/** The bit that is flipped: the lowest. */
export const FLIPPED = 1

/** Inside a seal, padding is long and every byte of it alike: one in so many is tried, and the last. */
export const PADDING_STEP = 32

export interface FlipOptions {
  /** Of each field the first byte, the last, and one in so many between them. */
  readonly step?: number
}

/** Flips a bit in each byte, one after the other. */
export async function flipAll(recording: Recording, layouts: readonly Layout[], { step = 1 }: FlipOptions = {}): Promise<Flips> {
  const replay = new Replay(recording)
  const verdicts = new Verdicts()
  let count = 0
  const attempt = async (
    frame: number,
    fields: readonly Field[],
    stepOf: (field: Field) => number,
    flip: Flip,
  ): Promise<Run[]> => {
    const runs: [number, number, number][] = []
    for (const at of fields.flatMap((field) => [...offsets(field, stepOf(field))])) {
      const { error, answered } = await replay.run(frame, flip(recording.frames[frame]!, at))
      const verdict = verdicts.place({ ...checkOf(error), ...(error && { code: error.code, message: error.message }), answered })
      const last = runs.at(-1)
      if (last !== undefined && last[1] === at && last[2] === verdict) last[1] = at + 1
      else runs.push([at, at + 1, verdict])
      count += 1
    }
    return runs
  }
  const outside: Run[][] = []
  const inside: Run[][] = []
  for (const [frame, layout] of layouts.entries()) {
    outside.push(await attempt(frame, layout.outside, () => step, flippedOnTheWay))
    const insideStep = ({ name }: Field): number => (name === 'padding' ? Math.max(step, PADDING_STEP) : step)
    inside.push(await attempt(frame, layout.inside, insideStep, flippedInside(recording)))
  }
  return { verdicts: verdicts.all, outside, inside, count }
}

/** Gives the frame with one byte changed. */
type Flip = (frame: RecordedFrame, at: number) => Uint8Array

function flippedOnTheWay({ bytes }: RecordedFrame, at: number): Uint8Array {
  const changed = Uint8Array.from(bytes)
  changed[at]! ^= FLIPPED
  return changed
}

/** Changes what is sealed, and seals it again with the right key. */
function flippedInside({ values }: Recording): Flip {
  return ({ bytes, seal: sealed }, at) => {
    const { secret, seq, at: start, plain } = sealed!
    const changed = Uint8Array.from(plain)
    changed[at - start]! ^= FLIPPED
    return concat(bytes.subarray(0, start), seal(aeadKey(values.get(secret)!), seq, bytes.subarray(0, 4), changed))
  }
}

function* offsets({ at, length }: Field, step: number): Generator<number> {
  for (let i = 0; i < length - 1; i += step) yield at + i
  yield at + length - 1
}

/** Each verdict once. */
class Verdicts {
  readonly all: Verdict[] = []
  readonly #places = new Map<string, number>()

  place(verdict: Verdict): number {
    const text = JSON.stringify(verdict)
    let place = this.#places.get(text)
    if (place === undefined) {
      place = this.all.push(verdict) - 1
      this.#places.set(text, place)
    }
    return place
  }
}
