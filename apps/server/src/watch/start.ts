/** Lets a server be watched: `status` always, /metrics and health where the settings say so. */
import type { Home } from '@countersign/keyexchange'
import { existsSync } from 'node:fs'
import type { Log } from '../log.ts'
import type { Configuration } from '../settings/configuration.ts'
import { answerStatus, statusOf, statusSocket } from './status.ts'
import type { View } from './view.ts'

interface Watched {
  readonly home: Home
  readonly configuration: Configuration
  readonly log: Log
}

/** @throws Node's system errors where metrics cannot be answered where they should be */
export async function letWatch({ home, configuration, log }: Watched, view: View): Promise<Disposable> {
  const { metrics } = configuration.settings
  using stack = new DisposableStack()
  if (metrics !== undefined) {
    // Neither a web server nor a metrics library is loaded for those who want none.
    const { serveMetrics } = await import('./metrics.ts')
    stack.use(await serveMetrics(metrics, view))
  }
  if (existsSync(home.stateFolder)) stack.use(await letAskStatus(home, log, view))
  return stack.move()
}

/** Serving goes on without it: another server of this home may answer already. */
async function letAskStatus(home: Home, log: Log, view: View): Promise<Disposable | undefined> {
  try {
    return await answerStatus(statusSocket(home.stateFolder), () => statusOf(view, home.name))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const level = code === 'EADDRINUSE' ? 'debug' : 'warn'
    log[level](`status cannot be asked for: ${message}`)
    return undefined
  }
}
