/** Receipts, as they are printed. */
import { CountersignError, type Peer, type Receipt } from '@countersign/core'
import { equal, hex } from '@countersign/core/protocol'
import { type Output, printable, style } from '@countersign/keyexchange/cli'

const OUTCOMES: Readonly<Record<Receipt['outcome'], string>> = {
  stored: 'stored',
  received: 'received, not stored',
  refused: 'refused',
  conflict: 'in conflict with another message of this number',
  withdrawn: 'withdrawn',
}

/** Prints a receipt that has been verified, and what it is for. */
export function printReceipt(output: Output, peer: Peer, receipt: Receipt, name?: string): void {
  const { outcome, number, receivedAt, statement } = receipt
  const signer = peer.keys.find(({ id }) => equal(id, statement.from))
  const good = outcome === 'stored' || outcome === 'received'
  const record = {
    outcome,
    number,
    ...(name !== undefined && { name }),
    receiver: {
      name: peer.name,
      fingerprint: signer?.fingerprint ?? `sha256//${Buffer.from(statement.from).toString('base64')}`,
    },
    receivedAt: receivedAt.toISOString(),
    verified: true,
    first: statement.first,
    count: statement.count,
    digest: hex(statement.digest),
    journal: hex(statement.journal),
    index: statement.index,
    chain: hex(statement.chain),
  }
  const what = name === undefined ? `#${number}` : `#${number} ${printable(name)}`
  const became = style(good ? 'green' : 'red', OUTCOMES[outcome])
  output.result(record, [`${what}  ${became} by ${peer.name} at ${record.receivedAt}, receipt verified`])
}

/** The receipt of an outcome other than stored and received, which core throws with it. */
export function receiptBehind(error: unknown): Receipt | undefined {
  const cause = error instanceof CountersignError ? error.cause : undefined
  return cause !== null && typeof cause === 'object' && 'outcome' in cause ? (cause as Receipt) : undefined
}
