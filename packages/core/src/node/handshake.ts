/** Drives a handshake over a wire: the only place where its steps meet sockets, signers and stores. */
import type { Established } from '../handshake/peer.ts'
import type { Location, Peer, Step, Steps, Trust } from '../handshake/step.ts'
import { PeerError } from '../errors.ts'
import { FRAMES, type FrameName, HEADER_LENGTH } from '../wire/frames.ts'
import type { Trace } from './options.ts'
import type { Wire } from './wire.ts'

/** What a handshake asks that neither the wire nor a key answers. */
export interface Knowledge {
  trust(keyId: Uint8Array): Trust | Promise<Trust>
  locate(peer: Peer, outbox: Uint8Array): Promise<Location>
  /** Told of every frame that is sent. */
  sends?(): void
}

export async function driveHandshake(
  wire: Wire,
  steps: Steps<Established>,
  knowledge: Knowledge,
  trace: Trace,
): Promise<Established> {
  try {
    for (let step = steps.next(); ;) {
      if (step.done) return step.value
      let answer: unknown
      try {
        answer = await answerTo(step.value, wire, knowledge, trace)
      } catch (error) {
        step = steps.throw(error)
        continue
      }
      step = steps.next(answer)
    }
  } finally {
    // Wherever it was left, `finally` in the handshake wipes its secrets.
    steps.return(undefined as never)
  }
}

async function answerTo(step: Step, wire: Wire, knowledge: Knowledge, trace: Trace): Promise<unknown> {
  if ('send' in step) {
    knowledge.sends?.()
    wire.write([step.send])
    trace({ sent: true, frame: frameName(step.send[0]), length: step.send.length })
    return undefined
  }
  if ('need' in step) {
    const bytes = await wire.read(step.need)
    if (step.need === HEADER_LENGTH) trace({ sent: false, frame: frameName(bytes[0]), length: HEADER_LENGTH + lengthOf(bytes) })
    return bytes
  }
  if ('sign' in step) return step.as.sign(step.sign)
  if ('unwrap' in step) return step.as.unwrap!(step.unwrap, step.label)
  if ('trust' in step) return knowledge.trust(step.trust)
  return knowledge.locate(step.peer, step.locate)
}

function lengthOf(header: Uint8Array): number {
  return (header[1]! << 16) | (header[2]! << 8) | header[3]!
}

function frameName(type: number | undefined): FrameName | undefined {
  return (Object.keys(FRAMES) as FrameName[]).find((name) => FRAMES[name].type === type)
}

/** Whether an error of the server's handshake asks for silence: nothing is sent and the stream is read on. */
export function wantsSilence(error: unknown): boolean {
  return error instanceof PeerError && error.code === 'HELLO_REJECTED'
}
