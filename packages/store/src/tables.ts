/** A database as its desk sees it: calls that read, calls that write, and the transaction around them. */
import type { DatabaseSync } from 'node:sqlite'
import { openDatabase, type Schema } from './database.ts'
import { Refused } from './refused.ts'

/** Each method that a class of tables adds is a call that its Writer offers. */
export abstract class Tables {
  /** The calls that change nothing, and so need no commit. */
  abstract readonly reads: ReadonlySet<string>
  protected readonly database: DatabaseSync
  #afterwards: (() => void)[] = []

  constructor(file: string, schema: Schema, backupToo = false) {
    this.database = openDatabase(file, schema, backupToo)
  }

  begin(): void {
    this.database.exec('BEGIN IMMEDIATE')
  }

  /** Returns once all since `begin` survives a power loss. */
  commit(): void {
    this.database.exec('COMMIT')
    for (const work of this.#afterwards.splice(0)) work()
  }

  rollback(): void {
    this.#afterwards = []
    if (this.database.isTransaction) this.database.exec('ROLLBACK')
  }

  close(): void {
    this.database.close()
  }

  /** Has something done that cannot be undone, once the transaction is committed. */
  protected afterCommit(work: () => void): void {
    this.#afterwards.push(work)
  }
}

/** Bytes of items, and rows, that one answer may carry, unless its first row alone has more bytes. */
export const PAGE_BYTES: number = 4 * 1024 * 1024
export const PAGE_ROWS = 256

/** As many rows as go into one answer. */
export function page<T extends { readonly items: Uint8Array | null }>(rows: Iterable<unknown>): T[] {
  const found: T[] = []
  let bytes = 0
  for (const row of rows as Iterable<T>) {
    found.push(row)
    bytes += row.items?.length ?? 0
    if (bytes >= PAGE_BYTES) break
  }
  return found
}

type CallName<T extends Tables> = {
  [K in keyof T]: K extends keyof Tables ? never : T[K] extends (...args: never[]) => unknown ? K : never
}[keyof T]

/** The calls of a class of tables, their answers as promises. */
export type Remote<T extends Tables> = {
  readonly [K in CallName<T>]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<R> : never
}

/** One call on its way to the desk. */
export interface Call {
  readonly id: number
  readonly name: string
  readonly args: readonly unknown[]
}

export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly refused: Refused['code'] }
  | { readonly id: number; readonly failed: string }

/**
 * Carries out calls in their order, in one transaction where any of them writes. Where that fails, all that write fail; what
 * is read is what stands there then: whoever reads has no part in it that a disk is full.
 */
export function carryOut(tables: Tables, calls: readonly Call[]): Answer[] {
  const reads = ({ name }: Call): boolean => tables.reads.has(name)
  const writing = !calls.every(reads)
  try {
    if (writing) tables.begin()
    const answers = calls.map((call) => answerTo(tables, call))
    if (writing) tables.commit()
    return answers
  } catch (error) {
    if (writing) tables.rollback()
    const failed = (error as Error).message
    return calls.flatMap((call) => (writing && reads(call) ? carryOut(tables, [call]) : { id: call.id, failed }))
  }
}

function answerTo(tables: Tables, { id, name, args }: Call): Answer {
  try {
    const method = tables[name as keyof Tables] as unknown as (...args: readonly unknown[]) => unknown
    return { id, value: method.apply(tables, args as unknown[]) }
  } catch (error) {
    if (error instanceof Refused) return { id, refused: error.code }
    throw error
  }
}
