/** A server and a client, each a process of its own, as one contender. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Latencies, Open, Pace, Pump, Took } from './client-tasks.ts'
import type { Credentials, Setting } from './contender.ts'
import type { Answer, Task, Usage } from './party.ts'

export interface PairOptions {
  readonly credentials: Credentials
  /** The checkout that our own code is taken from. */
  readonly root: string
  /** Where both sides may store. */
  readonly scratch: string
  /** Where CPU profiles of both go. */
  readonly profiles: string | undefined
}

/** A result, and what it cost each side: CPU in ms. */
export interface Measured<T> {
  readonly result: T
  readonly cpu: { readonly client: number; readonly server: number }
}

class Party {
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>()
  #tasks = 0
  #cpu = 0

  constructor(role: string, contender: string, { credentials, root, scratch, profiles }: PairOptions) {
    mkdirSync(scratch, { recursive: true })
    this.#folder = mkdtempSync(join(scratch, `${role}-`))
    const setting: Setting = { credentials, folder: this.#folder, root }
    const execArgv = ['--expose-gc', ...(profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${join(profiles, role)}`])]
    this.#child = fork(join(import.meta.dirname, 'party.ts'), [contender, JSON.stringify(setting)], { execArgv })
    this.#child.on('message', (answer: Answer) => {
      this.#waiting.get(answer.id)?.resolve(answer)
      this.#waiting.delete(answer.id)
    })
    this.#child.on('exit', (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the ${role} of ${contender} ended with ${code}`))
    })
  }

  /** @returns what the task gave, the CPU it took in ms, and the process's memory after it */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- what a task gives is what its caller says
  async ask<T>(name: string, argument?: unknown): Promise<{ result: T; cpu: number; rss: number }> {
    const id = this.#tasks++
    const answered = Promise.withResolvers<Answer>()
    this.#waiting.set(id, answered)
    this.#child.send({ id, name, argument } satisfies Task)
    const { result, error, usage }: { result?: unknown; error?: string; usage: Usage } = await answered.promise
    if (error !== undefined) throw new Error(error)
    const cpu = usage.cpu - this.#cpu
    this.#cpu = usage.cpu
    return { result: result as T, cpu, rss: usage.rss }
  }

  async stop(): Promise<void> {
    if (!this.#child.connected) return rmSync(this.#folder, { recursive: true, force: true })
    const exited = once(this.#child, 'exit')
    this.#child.disconnect()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 10_000)
    await exited
    clearTimeout(timer)
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

export class Pair implements AsyncDisposable {
  readonly name: string
  readonly #client: Party
  readonly #server: Party
  /** Where the server listens. */
  port = 0

  private constructor(name: string, options: PairOptions) {
    this.name = name
    this.#client = new Party('client', name, options)
    this.#server = new Party('server', name, options)
  }

  static async start(name: string, options: PairOptions): Promise<Pair> {
    const pair = new Pair(name, options)
    try {
      pair.port = (await pair.#server.ask<number>('serve')).result
      return pair
    } catch (error) {
      await pair[Symbol.asyncDispose]()
      throw error
    }
  }

  async #measure<T>(name: string, argument: unknown): Promise<Measured<T>> {
    await this.#client.ask('usage', false)
    await this.#server.ask('usage', false)
    const { result, cpu: client } = await this.#client.ask<T>(name, argument)
    const { cpu: server } = await this.#server.ask('usage', false)
    return { result, cpu: { client, server } }
  }

  open(options: Omit<Open, 'port'>): Promise<Measured<Took>> {
    return this.#measure('open', { ...options, port: this.port })
  }

  pump(options: Pump): Promise<Measured<Took>> {
    return this.#measure('pump', options)
  }

  bulk(length: number): Promise<Measured<Took>> {
    return this.#measure('bulk', length)
  }

  pace(options: Pace): Promise<Measured<Latencies>> {
    return this.#measure('pace', options)
  }

  /** Closes the first so many links. */
  async close(count: number): Promise<void> {
    await this.#client.ask('close', count)
  }

  /** The server's resident memory in bytes, with nothing left to be collected. */
  async serverMemory(): Promise<number> {
    return (await this.#server.ask('usage', true)).rss
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#client.stop(), this.#server.stop()])
  }
}
