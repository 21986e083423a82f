/** Records under the right keys, in an attacker's hands: whatever is sent opens. */
import {
  closePayload,
  concat,
  decode,
  KIND,
  type KindName,
  type OpenedRecord,
  receiptPayload,
  RecordOpener,
  Sealer,
  type SignedStatement,
} from '@countersign/core/protocol'
import type { Agreed } from './handshake.ts'
import { Ended, Line, Silence } from './line.ts'

export class RogueSession {
  readonly line: Line
  readonly sealer: Sealer
  readonly #opener: RecordOpener
  /** The receipts that have come. */
  readonly receipts: SignedStatement[] = []

  constructor(line: Line, role: 'client' | 'server', { cAp, sAp }: Pick<Agreed, 'cAp' | 'sAp'>) {
    this.line = line
    this.sealer = new Sealer(Uint8Array.from(role === 'client' ? cAp : sAp))
    this.#opener = new RecordOpener(Uint8Array.from(role === 'client' ? sAp : cAp))
  }

  /** A record of this kind, sealed and not sent. */
  sealed(kind: KindName | number, ...payload: readonly Uint8Array[]): Uint8Array {
    return concat(...this.sealer.record(typeof kind === 'number' ? kind : KIND[kind], payload))
  }

  send(kind: KindName | number, ...payload: readonly Uint8Array[]): void {
    this.line.write(this.sealed(kind, ...payload))
  }

  /** A whole envelope, in as few records as it takes. */
  envelope(bytes: Uint8Array, length: number = 65_536): void {
    let at = 0
    for (; bytes.length - at > length; at += length) this.send('MESSAGE', bytes.subarray(at, at + length))
    this.send('MESSAGE-END', bytes.subarray(at))
  }

  /** The next record; undefined where the stream ended. @throws Silence */
  async next(): Promise<OpenedRecord | undefined> {
    try {
      const { record } = this.#opener.take(Uint8Array.from(await this.line.frame()))
      if (record!.kind === KIND['KEY-UPDATE']) this.#opener.update()
      if (record!.kind === KIND.RECEIPT) this.receipts.push(decode(receiptPayload, concat(...record!.payload)))
      return record
    } catch (error) {
      if (error instanceof Ended) return undefined
      throw error
    }
  }

  /** The next record of this kind; undefined where the stream ended before. */
  async until(kind: KindName): Promise<Uint8Array | undefined> {
    for (;;) {
      const record = await this.next()
      if (record === undefined) return undefined
      if (record.kind === KIND[kind]) return concat(...record.payload)
    }
  }

  /** The next receipt as it was signed. */
  async receipt(): Promise<SignedStatement | undefined> {
    const payload = await this.until('RECEIPT')
    return payload && decode(receiptPayload, payload)
  }

  /** Reads on to the end: `CLOSE n` where the peer said so, `silence` where it ended without a word, `open` where it did not. */
  async fate(): Promise<string> {
    try {
      const close = await this.until('CLOSE')
      return close === undefined ? 'silence' : `CLOSE ${decode(closePayload, close).reason}`
    } catch (error) {
      if (error instanceof Silence) return 'open'
      throw error
    }
  }

  /** Whether the session still lives: PING is answered. */
  async alive(): Promise<string> {
    this.send('PING', Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))
    const pong = await this.until('PONG')
    return pong === undefined ? 'ended' : 'alive'
  }

  close(): void {
    this.send('CLOSE', Uint8Array.of(0, 0, 0, 0, 0))
    this.line.end()
  }
}
