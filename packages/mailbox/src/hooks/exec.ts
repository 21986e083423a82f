/** `--exec PROGRAM`: runs a program for each message, its body on standard input, its fields in the environment. */
import { CliError } from '@countersign/keyexchange/cli'
import { spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fieldsOf, type Hook, type Post } from './hook.ts'

/** @throws CliError where it cannot be run */
export function execHook(program: string): Hook {
  const path = resolve(program)
  try {
    accessSync(path, constants.X_OK)
    if (!statSync(path).isFile()) throw new Error('a folder')
  } catch (cause) {
    throw new CliError(
      'USAGE',
      `${path} cannot be run as a hook`,
      'name a program by its path, and make it executable: chmod +x',
      { cause },
    )
  }
  return { name: 'exec', deliver: (post, signal) => run(path, post, signal) }
}

async function run(path: string, post: Post, signal: AbortSignal): Promise<void> {
  const fields = Object.entries(fieldsOf(post)).map(([name, value]) => [`COUNTERSIGN_${name}`, value])
  const child = spawn(path, [], {
    env: { ...process.env, ...Object.fromEntries(fields) },
    // What it prints is for the operator; standard output is the server's own.
    stdio: ['pipe', process.stderr, process.stderr],
    signal,
    killSignal: 'SIGKILL',
  })
  const ended = new Promise<void>((fulfil, reject) => {
    child.once('error', reject)
    child.once('exit', (status, killed) => {
      if (status === 0) fulfil()
      else reject(new Error(killed === null ? `it ended with status ${status}` : `it was ended by ${killed}`))
    })
  })
  let unread: unknown
  const body = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* post.content.stream()
    } catch (error) {
      // Before its input ends: it would take the part for the whole.
      child.kill('SIGKILL')
      throw (unread = error)
    }
  }
  // A program need not read all, or any, of its input.
  const [outcome] = await Promise.allSettled([ended, pipeline(Readable.from(body()), child.stdin)])
  if (unread !== undefined) throw unread
  if (outcome.status === 'rejected') throw outcome.reason
}
