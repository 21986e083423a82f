/** A rehearsal is a row of steps, each of which ends well or ends it; and the commands that steps run. */
import { execFile } from 'node:child_process'
import { styleText } from 'node:util'

/** Nothing that a step runs takes longer than this, in ms, unless it hangs. */
const MOST = 180_000

/** Does one step and says how it went, and how long it took. */
export async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now()
  const say = (how: string): void =>
    console.log(`${how}  ${((performance.now() - began) / 1000).toFixed(1).padStart(5)} s  ${name}`)
  try {
    const result = await work()
    say(styleText('green', 'ok    '))
    return result
  } catch (error) {
    say(styleText('red', 'failed'))
    throw error
  }
}

export interface Surroundings {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}

/** Runs a command to its end; its standard output. @throws Error with all that it said, where it fails */
export function run({ cwd, env }: Surroundings, command: string, ...words: string[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  execFile(command, words, { cwd, env, timeout: MOST, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
    if (error === null) resolve(stdout)
    else reject(new Error(`${[command, ...words].join(' ')}: ${error.signal ?? `status ${error.code}`}\n${stdout}${stderr}`))
  }).stdin!.end()
  return promise
}

/** @throws Error that says what does not hold */
export function holds(condition: boolean, promise: string): void {
  if (!condition) throw new Error(`not so: ${promise}`)
}
