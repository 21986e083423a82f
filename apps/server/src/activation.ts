/** Socket activation: a service manager has opened the socket, and keeps it while the server is restarted. */
import { CliError } from '@countersign/keyexchange/cli'

/** The first descriptor that is passed on, as sd_listen_fds(3) has it */
const FIRST = 3

/**
 * The socket that was passed to this process; undefined where none was.
 *
 * @throws CliError USAGE where there are several
 */
export function passedSocket(environment: NodeJS.ProcessEnv = process.env): { readonly fd: number } | undefined {
  const { LISTEN_PID: pid, LISTEN_FDS: count } = environment
  if (pid !== String(process.pid) || count === undefined) return undefined
  // They are for this process alone, not for what it starts.
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete environment[name]
  if (count === '1') return { fd: FIRST }
  throw new CliError('USAGE', `${count} sockets were passed on, and one can be served`, 'give the socket unit one ListenStream=')
}
