/** The frames of a swap: u16 length || body, in the clear up to step 3, sealed from step 5 on. */
import { type AeadKey, concat, encode, lengthPrefixed, open, seal, sha256, u16 } from '@countersign/core/protocol'
import { CliError } from '../cli/exit.ts'
import type { SwapSteps } from './step.ts'

const HEADER_LENGTH = 2
const MAX_BODY = 8192

/** Every frame of steps 1 to 3, header included, in the order sent. */
export class Transcript {
  readonly #frames: Uint8Array[] = []

  /** H of LP of every frame */
  hash(): Uint8Array {
    return sha256(lengthPrefixed(...this.#frames))
  }

  *send(body: Uint8Array): SwapSteps<void> {
    const frame = concat(encode(u16, body.length), body)
    this.#frames.push(frame)
    yield { send: frame }
  }

  /** A frame whose body has exactly this length. */
  *receive(length: number): SwapSteps<Uint8Array> {
    const { header, body } = yield* receiveFrame((announced) => announced === length)
    this.#frames.push(concat(header, body))
    return body
  }
}

interface Frame {
  readonly header: Uint8Array
  readonly body: Uint8Array
}

/** The length is held against what may come before any byte of the body is asked for. */
function* receiveFrame(fits: (length: number) => boolean): SwapSteps<Frame> {
  const header = (yield { need: HEADER_LENGTH }) as Uint8Array
  const length = header[0]! * 256 + header[1]!
  if (!fits(length)) throw stranger()
  return { header, body: (yield { need: length }) as Uint8Array }
}

/** One way's sealed frames: the length is the associated data, the sequence number starts at 0. */
export class SealedFrames {
  readonly #key: AeadKey
  #seq = 0

  constructor(key: AeadKey) {
    this.#key = key
  }

  *send(plaintext: Uint8Array): SwapSteps<void> {
    const header = encode(u16, plaintext.length + 16)
    yield { send: concat(header, seal(this.#key, this.#seq++, header, plaintext)) }
  }

  *receive(): SwapSteps<Uint8Array> {
    const { header, body } = yield* receiveFrame((length) => length <= MAX_BODY)
    const plaintext = open(this.#key, this.#seq++, header, body)
    if (!plaintext) throw stranger()
    return plaintext
  }
}

export function stranger(): CliError {
  return new CliError(
    'WRONG_PEER',
    'what answers does not speak the swap as it should; nothing was saved',
    'check the address, and that the other side runs `keys swap` too',
  )
}
