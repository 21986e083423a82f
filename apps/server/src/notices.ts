/** Readiness notices: a service manager that names a socket for them is told when the server is ready, reloads, or stops. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Log } from './log.ts'

const run = promisify(execFile)

export class Notices {
  readonly #log: Log
  readonly #socket: string | undefined
  /** One after the other: the last one counts. */
  #sent: Promise<void> = Promise.resolve()

  constructor(log: Log, environment: NodeJS.ProcessEnv = process.env) {
    this.#log = log
    this.#socket = environment['NOTIFY_SOCKET']
    // It is for this process alone, not for what it starts.
    delete environment['NOTIFY_SOCKET']
  }

  ready(text: string): Promise<void> {
    return this.#send('READY=1', `STATUS=${text}`)
  }

  reloading(): Promise<void> {
    return this.#send('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`)
  }

  stopping(): Promise<void> {
    return this.#send('STOPPING=1')
  }

  /** Node has no Unix datagrams: systemd's own program sends them. */
  #send(...states: readonly string[]): Promise<void> {
    if (this.#socket === undefined || this.#socket === '') return this.#sent
    const env = { ...process.env, NOTIFY_SOCKET: this.#socket }
    this.#sent = this.#sent
      .then(() => run('systemd-notify', states, { env, timeout: 5000 }))
      .then(
        () => {},
        (error: Error) => this.#log.warn(`the service manager could not be told ${states[0]}: ${error.message.split('\n')[0]!}`),
      )
    return this.#sent
  }
}
