/**
 * The key log: the secrets of a handshake as lines of text, with which whoever has recorded the session opens all of it.
 * tools/wireshark/README.md describes the format and reads it.
 */
import { hex } from '../bytes.ts'
import type { Observer } from '../handshake/step.ts'

/** Secrets that are logged, by their names in the protocol. Those of later keys follow from the traffic secrets. */
const LABELS: Readonly<Record<string, string>> = {
  sHs: 'SERVER_HANDSHAKE',
  cHs: 'CLIENT_HANDSHAKE',
  cAp: 'CLIENT_TRAFFIC',
  sAp: 'SERVER_TRAFFIC',
}

/**
 * An observer of one handshake that writes `LABEL t2k secret`, both in hexadecimal.
 *
 * t2k names the handshake: it hashes what both sides sent in the clear, so whoever has recorded that finds its lines.
 *
 * @param beside observes too
 */
export function keyLogger(write: (line: string) => void, beside?: Observer): Observer {
  let t2k = ''
  return (name, value) => {
    beside?.(name, value)
    if (name === 't2k') t2k = hex(value)
    const label = LABELS[name]
    if (label !== undefined) write(`${label} ${t2k} ${hex(value)}`)
  }
}
