/** COUNTERSIGN_KEYLOG: the secrets of every session into a file, for whoever takes a recording of one apart. */
import { fchmodSync, openSync, writeSync } from 'node:fs'
import { styleError } from './text.ts'

/**
 * What writes the key log; undefined where the environment names no file.
 *
 * The file is made with mode 0600, or given it, and appended to. A warning goes to standard error whatever the options
 * say: whoever did not mean it has to see it.
 */
export function environmentKeyLog(): ((line: string) => void) | undefined {
  const file = process.env['COUNTERSIGN_KEYLOG']
  return file === undefined || file === '' ? undefined : (writer ??= openKeyLog(file))
}

let writer: ((line: string) => void) | undefined

function openKeyLog(file: string): (line: string) => void {
  const descriptor = openSync(file, 'a', 0o600)
  fchmodSync(descriptor, 0o600)
  const warning = 'WARNING: COUNTERSIGN_KEYLOG is set: the secrets of every session are written to a file.'
  process.stderr.write(styleError(['bold', 'red'], `${warning} Whoever has it reads and forges what was recorded.`) + '\n')
  return (line) => void writeSync(descriptor, `${line}\n`)
}
