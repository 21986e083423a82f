/** Loaded before the program: kills it right before the n-th step that it takes in the file system by itself. */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { isMainThread } from 'node:worker_threads'

const STEPS = ['mkdirSync', 'renameSync', 'fsyncSync', 'unlinkSync', 'rmdirSync'] as const

let left = Number(process.env['KILL_AT'])

// The outbox has a thread of its own, and tests of its own.
if (isMainThread) {
  for (const name of STEPS) {
    const step = fs[name] as (...words: unknown[]) => unknown
    const killing = (...words: unknown[]): unknown => {
      if ((left -= 1) === 0) process.kill(process.pid, 'SIGKILL')
      return step(...words)
    }
    Object.assign(fs, { [name]: killing })
  }
  syncBuiltinESMExports()
}
