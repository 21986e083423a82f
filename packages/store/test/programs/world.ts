/** A server, its senders, and what lies between them: all in a folder that goes with it. */
import { generatePrivateKey, type PublicKey, privateKeyPem, publicKeyPem } from '@countersign/core'
import { equal, hex } from '@countersign/core/protocol'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { openJournal } from '../../src/index.ts'
import { check, type CheckOptions, type Findings } from '../checker/check.ts'
import type { SenderHistory, Signed } from '../checker/history.ts'
import { Proxy } from '../proxy.ts'
import { Child, type ChildOptions } from './child.ts'
import type { Death, Report } from './orders.ts'
import type { Command, SendOrders } from './send.ts'
import type { ServeOrders } from './serve.ts'

interface Party {
  readonly publicKey: PublicKey
  readonly identity: string
  readonly peer: string
}

export interface StartOptions extends ChildOptions {
  readonly death?: Death
}

export interface SenderOptions extends StartOptions {
  /** Whether a thread of its own writes the outbox; true where it is not said. */
  readonly thread?: boolean
}

export interface WorldOptions {
  readonly senders?: readonly string[]
}

export class World implements AsyncDisposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'countersign-store-'))
  /** Where the server's journal is. */
  journal: string = join(this.folder, 'journal.db')
  readonly history: Map<string, SenderHistory> = new Map()
  readonly #parties = new Map<string, Party>()
  readonly #children: Child[] = []
  readonly #proxies = new Map<string, Proxy>()

  constructor({ senders = ['ada'] }: WorldOptions = {}) {
    for (const name of ['server', ...senders]) {
      const key = generatePrivateKey()
      const identity = join(this.folder, `${name}.pem`)
      const peer = join(this.folder, `${name}.pub.pem`)
      writeFileSync(identity, privateKeyPem(key), { mode: 0o600 })
      writeFileSync(peer, publicKeyPem(key.publicKey))
      this.#parties.set(name, { publicKey: key.publicKey, identity, peer })
      if (name !== 'server') this.history.set(name, { offered: [], enqueued: [], receipts: [] })
    }
  }

  get senders(): string[] {
    return [...this.history.keys()]
  }

  /** The file of a sender's outbox. */
  outbox(sender = 'ada'): string {
    return join(this.folder, `${sender}.db`)
  }

  /** What stands between a sender and the server. */
  async proxy(sender = 'ada'): Promise<Proxy> {
    const proxy = this.#proxies.get(sender) ?? (await Proxy.open())
    this.#proxies.set(sender, proxy)
    return proxy
  }

  /** Starts a server, to which the proxies lead from now on. */
  async serve({ death, ...options }: StartOptions = {}): Promise<Child> {
    const peers = this.senders.map((name) => this.#parties.get(name)!.peer)
    const { identity } = this.#parties.get('server')!
    const orders: ServeOrders = { journal: this.journal, identity, peers, ...(death && { death }) }
    const child = this.#start('serve.ts', orders, options)
    const { port } = await child.next('listening')
    for (const sender of this.senders) (await this.proxy(sender)).target = port
    return child
  }

  /** Starts a sender; it does nothing until it is told to. */
  async sender(name = 'ada', { death, onReport, thread = true, ...options }: SenderOptions = {}): Promise<Sender> {
    const { identity } = this.#parties.get(name)!
    const { peer } = this.#parties.get('server')!
    const { port } = await this.proxy(name)
    const orders: SendOrders = { outbox: this.outbox(name), identity, peer, port, thread, ...(death && { death }) }
    const seen = this.history.get(name)!
    const child = this.#start('send.ts', orders, {
      ...options,
      onReport: (report) => {
        record(seen, report)
        onReport?.(report)
      },
    })
    return new Sender(child)
  }

  /** What the checker finds. */
  check(options: Pick<CheckOptions, 'drained' | 'excused'> = { drained: true }): Promise<Findings> {
    const keys = new Map([...this.#parties].map(([name, { peer }]) => [name, peer]))
    const senders = new Map([...this.#parties].map(([name, { publicKey }]) => [hex(publicKey.id), name]))
    return check({ history: this.history, journal: this.journal, keys, senders, ...options })
  }

  /** The labels of a sender's messages that are stored, in their order. */
  async stored(sender = 'ada'): Promise<string[]> {
    await using journal = await openJournal(this.journal)
    const labels: string[] = []
    for await (const message of journal.messages()) {
      if (!equal(message.sender, this.#parties.get(sender)!.publicKey.id)) continue
      labels.push((await message.content())!.attributes.get('id')!)
    }
    return labels
  }

  /** The receipts that are stored, in their order. */
  async receipts(): Promise<Signed[]> {
    await using journal = await openJournal(this.journal)
    const receipts: Signed[] = []
    for await (const { receipt } of journal.entries()) {
      receipts.push({ statement: hex(receipt.statement), signature: hex(receipt.signature) })
    }
    return receipts
  }

  /** Files of long items that belong to no entry of the journal. */
  async leftovers(): Promise<string[]> {
    await using journal = await openJournal(this.journal)
    const files: string[] = []
    for await (const { items } of journal.entries()) {
      for (const { at } of items ?? []) if (!(at instanceof Uint8Array)) files.push(basename(at.path))
    }
    return readdirSync(`${this.journal}-items`).filter((file) => !files.includes(file))
  }

  /** A path for a test's own use. */
  path(name: string): string {
    return join(this.folder, name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.filter(({ running }) => running).map((child) => child.kill()))
    await Promise.all([...this.#proxies.values()].map((proxy) => proxy[Symbol.asyncDispose]()))
    rmSync(this.folder, { recursive: true, force: true })
  }

  #start(program: string, orders: object, options: ChildOptions): Child {
    const child = new Child(program, orders, options)
    this.#children.push(child)
    return child
  }
}

/** The other side of the sender's program. */
export class Sender {
  readonly child: Child

  constructor(child: Child) {
    this.child = child
  }

  connect(): this {
    return this.order({ do: 'connect' })
  }

  order(command: Command): this {
    this.child.order(command)
    return this
  }

  /** Has messages enqueued; see `Command`. */
  send(labels: readonly string[], options: { readonly length?: number; readonly inTurn?: boolean } = {}): this {
    return this.order({ do: 'send', labels, ...options })
  }

  /** Resolves when all that was told before has its receipt. */
  async drained(): Promise<void> {
    this.order({ do: 'drain' })
    await this.child.next('drained')
  }
}

function record(seen: SenderHistory, report: Report): void {
  if (report.event === 'offer') seen.offered.push(report.label)
  if (report.event === 'enqueued') seen.enqueued.push(report.label)
  if (report.event === 'receipt') seen.receipts.push({ message: report.message, receipt: report.receipt })
}
