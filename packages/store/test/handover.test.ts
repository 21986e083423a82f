/** A session that takes over from an older one of the same outbox, which goes on settling meanwhile. */
import { connect, type Journal, type Outbox, type OutgoingEnvelope } from '@countersign/core'
import { expect, onTestFinished, test } from 'vitest'
import { openJournal, openOutbox, type OutboxNotice, type StoredOutbox } from '../src/index.ts'
import { alice, all, bob, dial, folder, serve, textsOf, toBob } from './parties.ts'

/** The same, but for this. */
function changed<T extends object>(whole: T, change: Partial<T>): T {
  return new Proxy(whole, {
    get(target, name) {
      if (name in change) return change[name as keyof T]
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

interface Stage {
  readonly journal: Journal
  readonly notices: OutboxNotice[]
  /** The outbox as one more process has it. */
  open(): Promise<StoredOutbox>
  texts(): Promise<string[]>
}

async function stage(): Promise<Stage> {
  const path = folder()
  const journal = await openJournal(path('journal'))
  const notices: OutboxNotice[] = []
  const opened: StoredOutbox[] = []
  onTestFinished(async () => {
    for (const each of [...opened, journal]) await each.close()
  })
  const open = async (): Promise<StoredOutbox> => {
    const outbox = await openOutbox(path('outbox'), { identity: alice, onNotice: (notice) => notices.push(notice) })
    opened.push(outbox)
    return outbox
  }
  return { journal, notices, open, texts: () => textsOf(journal) }
}

test('what the older one has a receipt for, since the newer one was told where its receiver stands, is not sent again', async () => {
  const { journal, notices, open, texts } = await stage()
  // The receiver says where it stands, and what it says is long on its way.
  const told = Promise.withResolvers<void>()
  const arrives = Promise.withResolvers<void>()
  let far = false
  const head: Journal['head'] = async (place) => {
    const found = await journal.head(place)
    if (far) {
      far = false
      told.resolve()
      await arrives.promise
    }
    return found
  }
  const server = await serve(changed(journal, { head }))
  const older = dial(server, { outbox: await open() })
  await (
    await older.send('1')
  ).receipt
  far = true
  const newer = dial(server, { outbox: await open() })
  await told.promise
  await (
    await older.send('2')
  ).receipt
  arrives.resolve()
  await (
    await newer.send('3')
  ).receipt
  expect(await texts()).toEqual(['1', '2', '3'])
  expect(notices).toEqual([])
})

test('a receipt that the older one settles first is no stranger to the newer one, which is given it again', async () => {
  const { journal, notices, open, texts } = await stage()
  const server = await serve(journal)
  const to = { host: '127.0.0.1', port: server.port, identity: alice, peer: bob.publicKey }
  const [olderOutbox, newerOutbox] = [await open(), await open()]
  // The older session has the receipt, and keeps it only when the newer one has it too.
  const came = Promise.withResolvers<void>()
  const both = Promise.withResolvers<void>()
  const kept = Promise.withResolvers<void>()
  const settle: Outbox['settle'] = async (...args: readonly [never, OutgoingEnvelope, never]) => {
    came.resolve()
    await both.promise
    await olderOutbox.settle(...args)
    kept.resolve()
  }
  const { receipt } = await olderOutbox.enqueue(toBob, '1')
  await connect({ ...to, outbox: changed<Outbox>(olderOutbox, { settle }) })
  await came.promise
  const chainHead: Outbox['chainHead'] = async (...args) => {
    both.resolve()
    await kept.promise
    return newerOutbox.chainHead(...args)
  }
  const newer = await connect({ ...to, outbox: changed<Outbox>(newerOutbox, { chainHead }) })
  await receipt
  const second = await newer.send('2')
  expect(second.statement.index).toBe(2)
  await newer.close()
  expect((await newer.closed).error).toBeUndefined()
  expect(await texts()).toEqual(['1', '2'])
  expect(await all(newerOutbox.receipts())).toHaveLength(2)
  expect(notices).toEqual([])
})
