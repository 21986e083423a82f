/** One side of a measurement, in a process of its own; told what to do over the channel to its parent. */
import { CONTENDERS } from '../contenders/index.ts'
import { clientTasks } from './client-tasks.ts'
import type { Setting } from './contender.ts'

/** What one task cost this process beside its result. */
export interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
  readonly usage: Usage
}

/** All since this process began: CPU in ms, memory in bytes. */
export interface Usage {
  readonly cpu: number
  readonly rss: number
}

export interface Task {
  readonly id: number
  readonly name: string
  readonly argument: unknown
}

const [, , contenderName, setting] = process.argv as [string, string, string, string]
const contender = await CONTENDERS[contenderName]!()
const known = JSON.parse(setting) as Setting
const tasks: Record<string, (argument: never) => unknown> = {
  ...clientTasks(contender, known),
  serve: async () => (await contender.serve(known)).port,
  usage: (settle: boolean) => settle && settled(),
}

/** Nothing left to be collected: for measures of memory. */
async function settled(): Promise<void> {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function usage(): Usage {
  const { user, system } = process.cpuUsage()
  return { cpu: (user + system) / 1000, rss: process.memoryUsage.rss() }
}

process.on('message', (task: Task) => {
  const answer = async (): Promise<void> => {
    try {
      const result = await tasks[task.name]!(task.argument as never)
      process.send!({ id: task.id, result, usage: usage() } satisfies Answer)
    } catch (error) {
      process.send!({ id: task.id, error: (error as Error).stack ?? String(error), usage: usage() } satisfies Answer)
    }
  }
  void answer()
})
process.on('disconnect', () => process.exit(0))
process.on('uncaughtException', (error) => {
  // A peer's library may tell of a closed connection when nobody listens any more.
  if (!/closed|ECONNRESET|EPIPE/.test(error.message)) console.error(error)
})
