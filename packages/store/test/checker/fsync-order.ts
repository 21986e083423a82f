/** The order of the system's calls, from which it follows that a receipt survives a power loss. */
import type { ChildOptions } from '../programs/child.ts'
import { type Call, callsIn, traced } from '../programs/strace.ts'
import type { SenderOptions, World } from '../programs/world.ts'

const CALLS = 'read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,fsync,fdatasync'
export const MESSAGES: readonly string[] = ['one', 'two', 'three', 'four', 'five']

/** A record of the shortest receipt: its layout of 189 bytes, an Ed25519 signature, two lengths, kind, tag and header. */
const RECEIPT_RECORD = 189 + 64 + 8 + 1 + 16 + 4

/** The server's calls while one client sends in lock-step. */
export async function tracedDelivery(world: World, options: ChildOptions = {}): Promise<Call[]> {
  const log = world.path('calls')
  const server = await world.serve({ ...options, under: traced(log, CALLS) })
  const sender = await world.sender()
  await sender.connect().send(MESSAGES, { inTurn: true }).drained()
  await sender.child.end()
  await server.end()
  await server.exited
  return callsIn(log)
}

/** The writes to the client that may carry a receipt, each with what stands between it and the data before. */
export function receiptWrites(
  calls: readonly Call[],
): { readonly write: Call; readonly read: Call; readonly sync: Call | undefined }[] {
  const onSocket = calls.filter(({ args, result }) => /^\d+<TCP:/.test(args) && (result ?? 0) > 0)
  const reads = onSocket.filter(({ name }) => /^(read|recv)/.test(name))
  // What is sealed with the session keys is a RECORD, of type 5; what is shorter is PONG or CLOSE.
  const records = onSocket.filter(({ name, args, result }) => {
    return /^(write|send)/.test(name) && /(^|")\\5/.test(args.slice(args.indexOf('"'))) && result! >= RECEIPT_RECORD
  })
  return records.map((write) => {
    const read = reads.findLast(({ ended }) => ended < write.began)!
    const sync = calls.find(({ name, args, began, ended, result }) => {
      const whole = began > read.ended && ended < write.began && result === 0
      return whole && /^f(data)?sync$/.test(name) && args.includes('journal.db-wal>')
    })
    return { write, read, sync }
  })
}

/** The sender's calls while it sends in lock-step. */
export async function tracedSending(world: World, options: SenderOptions = {}): Promise<Call[]> {
  const log = world.path('calls')
  await world.serve()
  const sender = await world.sender('ada', { ...options, under: traced(log, 'write,fsync,fdatasync') })
  await sender.connect().send(MESSAGES, { inTurn: true }).drained()
  await sender.child.end()
  await sender.child.exited
  return callsIn(log)
}

/**
 * What a sender told its caller, in its order: of each whether the outbox was fsynced since it told the caller what came before.
 *
 * @param before what it told when it began
 * @param after what it told when it was done
 */
export function toldDurably(calls: readonly Call[], before: string, after: string): boolean[] {
  const told = (event: string): Call[] =>
    calls.filter(({ name, args }) => name === 'write' && args.includes(`\\"event\\":\\"${event}\\"`))
  const begun = told(before)
  return told(after).map(({ began: end }, i) => {
    const { ended: start } = begun[i]!
    return calls.some(({ name, args, began, ended, result }) => {
      return /^f(data)?sync$/.test(name) && args.includes('ada.db-wal>') && began > start && ended < end && result === 0
    })
  })
}

/** The writes of receipts with no fsync of the journal behind the data that they answer. */
export function receiptsOutOfOrder(calls: readonly Call[]): Call[] {
  return receiptWrites(calls).flatMap(({ write, sync }) => (sync === undefined ? [write] : []))
}
