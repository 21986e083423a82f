/** strace around a program: to see its calls, and to kill it as it enters one of them. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { TestContext } from 'vitest'

/** Skips the test, with its reason printed, where nothing can be traced. */
export function requireStrace(context: TestContext): void {
  if (spawnSync('strace', ['-f', '-o', '/dev/null', process.execPath, '-e', '0']).status === 0) return
  console.log(`${context.task.name}: skipped, because strace is missing or may not trace`)
  context.skip('strace is missing or may not trace')
}

/** Words that run a program under strace; the program keeps its own process id. (With --seccomp-bpf nothing would be injected.) */
export function traced(log: string, calls: string, ...words: string[]): string[] {
  return ['strace', '-D', '-f', '-yy', '-o', log, '-e', `trace=${calls}`, '-e', 'signal=none', ...words]
}

/** The program is killed as it enters the n-th such call of one of its threads, and does not carry it out. */
export function killAt(call: string, n: number): string[] {
  return ['-e', `inject=${call}:signal=KILL:when=${n}`]
}

/** One call of a program, from its beginning to its end. */
export interface Call {
  readonly thread: number
  readonly name: string
  /** What it was given, as far as strace prints it. */
  readonly args: string
  /** What it answered; undefined where it did not come back. */
  readonly result: number | undefined
  /** Its place among all beginnings and ends of calls. */
  readonly began: number
  readonly ended: number
}

/** Reads a log, in the order in which the calls began. */
export function callsIn(log: string): Call[] {
  const calls: Call[] = []
  const open = new Map<number, { name: string; args: string; began: number }>()
  for (const [at, line] of readFileSync(log, 'utf8').split('\n').entries()) {
    const [, id, rest] = /^(\d+) +(.*)$/.exec(line) ?? []
    if (rest === undefined) continue
    const thread = Number(id)
    const resumed = /^<\.\.\. (\w+) resumed>(.*?)\)? += (-?\d+|\?)/.exec(rest)
    const begun = /^(\w+)\((.*) <unfinished \.\.\.>$/.exec(rest)
    const whole = /^(\w+)\((.*)\) += (-?\d+|\?)/.exec(rest)
    if (begun !== null) open.set(thread, { name: begun[1]!, args: begun[2]!, began: at })
    else if (resumed !== null) {
      const { name, args, began } = open.get(thread)!
      calls.push({ thread, name, args: args + resumed[2]!, result: Number(resumed[3]), began, ended: at })
      open.delete(thread)
    } else if (whole !== null) {
      calls.push({ thread, name: whole[1]!, args: whole[2]!, result: Number(whole[3]), began: at, ended: at })
    }
  }
  for (const [thread, call] of open) calls.push({ thread, ...call, result: undefined, ended: Infinity })
  return calls.toSorted((a, b) => a.began - b.began)
}
