/** SIGHUP: settings and keys are read anew, and nobody is disconnected for it. */
import { describeFailure, printable } from '@countersign/keyexchange/cli'
import { type Log, levelOf } from './log.ts'
import type { Notices } from './notices.ts'
import type { Serving } from './serving.ts'

/** A server at a terminal ends when that is closed, as programs do. */
export function onHangUp(act: () => void): Disposable {
  if (process.stdin.isTTY) return { [Symbol.dispose]: () => {} }
  process.on('SIGHUP', act)
  return { [Symbol.dispose]: () => void process.off('SIGHUP', act) }
}

/**
 * Reads all anew. Where the settings are no good, those in force stay.
 *
 * @param follow what is done when the home has changed
 */
export async function reload({ home, configuration, output, log }: Serving, notices: Notices, follow: () => void): Promise<void> {
  await notices.reloading()
  home.reload()
  follow()
  try {
    const { changed, waiting } = configuration.reload()
    log.level = levelOf(configuration.settings, output)
    tell(log, changed, waiting)
  } catch (error) {
    const { message, hint } = describeFailure(error)
    log.error(`the settings stay as they were: ${printable(message)} (${printable(hint)})`)
  }
  await notices.ready('reloaded')
}

function tell(log: Log, changed: readonly string[], waiting: readonly string[]): void {
  const what = changed.length === 0 ? 'no setting changed' : `changed: ${changed.join(', ')}`
  log.info(`settings, policy and keys were read anew; ${what}`, { event: 'reloaded' })
  if (waiting.length > 0) log.warn(`a restart is needed for ${waiting.join(', ')}`)
}
