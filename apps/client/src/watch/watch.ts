/** Sends the files of a folder as they come: each is one message, once. */
import type { Receipt } from '@countersign/core'
import { CliError, describeFailure, printable } from '@countersign/keyexchange/cli'
import { fileOptions, printReceipt, receiptBehind } from '@countersign/mailbox'
import { Lock } from '@countersign/mailbox/stored'
import type { StoredOutbox } from '@countersign/store'
import { lstatSync, openAsBlob } from 'node:fs'
import { join } from 'node:path'
import type { DurableWay } from '../durable.ts'
import { lastSerial } from '../serials.ts'
import type { Journey } from '../way.ts'
import { type Claim, Claims, isQueued, type Then } from './claims.ts'
import { Changes, Scan } from './scan.ts'

/** Messages that may wait for their receipts at a time; further files wait in their folder. */
const MOST_WAITING = 1024

/**
 * Watches until it was interrupted, or the way is over.
 *
 * @throws why the way is over; Node's system errors, of the folder
 */
export async function watchFolder(
  { output, interrupted }: Journey,
  folder: string,
  then: Then,
  outbox: StoredOutbox,
  way: DurableWay,
): Promise<void> {
  const claims = new Claims(folder, then)
  using lock = Lock.tryTake(join(claims.folder, 'lock'))
  if (lock === undefined) {
    throw new CliError('STORAGE', `another process watches ${folder} already; nothing was done`, 'let one of them do it')
  }
  const signal = AbortSignal.any([interrupted, way.over])
  const receipts = new Receipts(way, output)
  let last = await lastSerial(outbox)
  const send = async (claim: Claim): Promise<void> => {
    const { id, name, path } = claim
    // What lay there as a file may have been exchanged since: a link would send what only this user may read.
    if (!lstatSync(path).isFile()) return output.note(`left lying: ${printable(path)}: it is no file`)
    const options = { id, ...(await fileOptions(name)) }
    const queued = await openAsBlob(path)
      .then((body) => way.queue(body, options))
      .catch(changed)
    if (queued === undefined) {
      return output.note(`left lying: ${printable(path)}: it was changed while it was read; it is sent at the next start`)
    }
    last = queued.serial
    receipts.expect(name, queued.receipt)
    claims.finish(claim)
  }

  for (const claim of claims.left()) {
    const queued = await isQueued(claim, outbox)
    if (queued === false) await send(claim)
    else if (queued) claims.finish(claim)
    else output.note(`left lying: ${printable(claim.path)}: the outbox cannot tell any more whether it was sent`)
  }
  const scan = new Scan(folder, (line) => output.note(line))
  using changes = new Changes(folder)
  while (!signal.aborted) {
    const names = scan.files()
    for (const name of names) {
      if (receipts.waiting >= MOST_WAITING) await receipts.printed
      if (signal.aborted) break
      const claim = taken(claims, name, last)
      if (claim !== undefined) await send(claim)
    }
    if (names.length === 0) await changes.next(signal)
  }
  await receipts.printed
  if (!interrupted.aborted) throw way.over.reason
}

/** Undefined where somebody wrote to a file while it was read: what came of it is no message, and the others go on. */
function changed(error: unknown): undefined {
  if (error instanceof DOMException && error.name === 'NotReadableError') return undefined
  throw error
}

/** Claims a file; undefined where it has gone meanwhile. */
function taken(claims: Claims, name: string, last: number): Claim | undefined {
  try {
    return claims.take(name, last)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Prints receipts in the order of their messages. */
class Receipts {
  readonly #way: DurableWay
  readonly #output: Journey['output']
  waiting = 0
  printed: Promise<void> = Promise.resolve()

  constructor(way: DurableWay, output: Journey['output']) {
    this.#way = way
    this.#output = output
  }

  expect(name: string, receipt: Promise<Receipt>): void {
    this.waiting += 1
    this.printed = this.printed.then(() => this.#print(name, receipt))
  }

  async #print(name: string, receipt: Promise<Receipt>): Promise<void> {
    try {
      printReceipt(this.#output, this.#way.peer, await receipt, name)
    } catch (error) {
      const refused = receiptBehind(error)
      if (refused !== undefined) printReceipt(this.#output, this.#way.peer, refused, name)
      else if (!this.#way.over.aborted) this.#output.note(`${printable(name)}: ${printable(describeFailure(error).message)}`)
    }
    this.waiting -= 1
  }
}
