/** Backups that were put back: what is said on both sides, and that nothing is lost in silence. */
import { memoryJournal, type Server } from '@countersign/core'
import { cpSync, rmSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  backupJournal,
  type DurableClient,
  openJournal,
  openOutbox,
  type OutboxNotice,
  type OutboxOptions,
  restoreJournal,
  type StoredJournal,
  type StoredOutbox,
} from '../src/index.ts'
import { alice, dial, faultsOf, folder, serve, textsOf, toBob } from './parties.ts'

type Told = Omit<OutboxNotice, 'to'>

/** A server and a client over files that can be put back between two acts. */
class Stage {
  readonly path: (...names: string[]) => string = folder()
  readonly told: Told[] = []
  readonly options: Partial<OutboxOptions>

  constructor(options: Partial<OutboxOptions> = {}) {
    this.options = options
  }

  /** Both sides run, until what they do is done. */
  async act(
    work: (client: DurableClient, outbox: StoredOutbox, journal: StoredJournal, server: Server) => Promise<void>,
  ): Promise<void> {
    const journal = await openJournal(this.path('journal'))
    const outbox = await openOutbox(this.path('outbox'), {
      identity: alice,
      onNotice: ({ code, resent, resigned, lost }) => this.told.push({ code, resent, resigned, lost }),
      ...this.options,
    })
    const server = await serve(journal)
    const client = dial(server, { outbox })
    try {
      await work(client, outbox, journal, server)
    } finally {
      await client.close()
      await server.close()
      await outbox.close()
      await journal.close()
    }
  }

  async send(...texts: readonly string[]): Promise<void> {
    await this.act(async (client) => {
      for (const text of texts) await (await client.send(text)).receipt
    })
  }

  /** Queues while there is no server. */
  async queue(...texts: readonly string[]): Promise<void> {
    const outbox = await openOutbox(this.path('outbox'), { identity: alice })
    for (const text of texts) await outbox.enqueue(toBob, text)
    await outbox.close()
  }

  copy(from: string, to: string): void {
    for (const suffix of ['', '-items']) {
      rmSync(this.path(`${to}${suffix}`), { recursive: true, force: true })
      cpSync(this.path(`${from}${suffix}`), this.path(`${to}${suffix}`), { recursive: true })
    }
  }

  async restore(): Promise<void> {
    for (const suffix of ['', '-items', '-wal', '-shm']) rmSync(this.path(`journal${suffix}`), { recursive: true, force: true })
    await restoreJournal(this.path('backup'), this.path('journal'))
  }
}

describe('a server restored from an older journal', () => {
  test('gets again, at their numbers, what it had given receipts for; the receipts are kept, and both sides can tell', async () => {
    const stage = new Stage()
    await stage.send('1', '2')
    await backupJournal(stage.path('journal'), stage.path('backup'))
    await stage.send('3', '4')
    await stage.restore()
    await stage.send('5')
    expect(stage.told).toEqual([
      {
        code: 'SERVER_REGRESSED',
        resent: [
          { serial: 3, count: 1 },
          { serial: 4, count: 1 },
        ],
        resigned: [],
        lost: [],
      },
    ])
    await stage.act(async (_, outbox, journal) => {
      expect(await textsOf(journal)).toEqual(['1', '2', '3', '4', '5'])
      expect(await faultsOf(journal)).toEqual([])
      expect(await (await outbox.message(3))!.receipts()).toHaveLength(2)
    })
  })

  test('gets a withdrawal again too, and what had shared its envelope once', async () => {
    const stage = new Stage()
    await stage.send('1')
    await backupJournal(stage.path('journal'), stage.path('backup'))
    const outbox = await openOutbox(stage.path('outbox'), { identity: alice })
    const queued = await Promise.all(['a', 'b', 'c'].map((text) => outbox.enqueue(toBob, text)))
    await outbox.drop(queued[1]!.serial)
    await outbox.close()
    await Promise.allSettled(queued.map(({ receipt }) => receipt))
    await stage.act((client) => client.drained())
    await stage.restore()
    await stage.send('2')
    await stage.act(async (_, _outbox, journal) => {
      expect(await textsOf(journal)).toEqual(['1', 'a', 'c', '2'])
      expect(await faultsOf(journal)).toEqual([])
    })
  })

  test('is told of, also where it lost nothing', async () => {
    const stage = new Stage()
    await stage.send('1')
    await backupJournal(stage.path('journal'), stage.path('backup'))
    await stage.restore()
    await stage.send('2')
    expect(stage.told).toEqual([{ code: 'SERVER_REGRESSED', resent: [], resigned: [], lost: [] }])
    await stage.act(async (_, _outbox, journal) => expect(await faultsOf(journal)).toEqual([]))
  })

  test('gets the rest at a fresh outbox id where a body is gone; what is lost is named', async () => {
    const stage = new Stage({ keep: 0 })
    await stage.send('1')
    await backupJournal(stage.path('journal'), stage.path('backup'))
    await stage.send('2')
    await stage.act(async (_, outbox) => outbox.prune())
    Object.assign(stage.options, { keep: 1e9 })
    await stage.send('3')
    await stage.restore()
    await stage.queue('4')
    await stage.act((client) => client.drained())
    expect(stage.told).toEqual([
      {
        code: 'SERVER_REGRESSED',
        resent: [],
        resigned: [
          { serial: 3, count: 1 },
          { serial: 4, count: 1 },
        ],
        lost: [{ serial: 2, count: 1 }],
      },
    ])
    await stage.act(async (_, _outbox, journal) => {
      expect(await textsOf(journal)).toEqual(['1', '3', '4'])
      expect(await faultsOf(journal)).toEqual([])
    })
  })

  test('under its old journal id would fork its chain: what it lost goes to a fresh outbox id', async () => {
    const stage = new Stage()
    await stage.send('1')
    stage.copy('journal', 'copy')
    await stage.send('2')
    stage.copy('copy', 'journal')
    await stage.queue('3')
    await stage.act(async (client, _, journal) => {
      await client.drained()
      expect(await textsOf(journal)).toEqual(['1', '2', '3'])
    })
    const resigned = [
      { serial: 2, count: 1 },
      { serial: 3, count: 1 },
    ]
    expect(stage.told).toEqual([{ code: 'SERVER_REGRESSED', resent: [], resigned, lost: [] }])
  })
})

test('a server that keeps its journal in memory has promised nothing: what it received is not sent to it again', async () => {
  const path = folder()
  const told: string[] = []
  const outbox = await openOutbox(path('outbox'), {
    identity: alice,
    onNotice: ({ resigned }) => told.push(`${resigned.length}`),
  })
  let server = await serve(memoryJournal())
  const client = dial(server, { outbox })
  await (
    await client.send('1')
  ).receipt
  const { port } = server
  await server.close()
  const journal = await openJournal(path('journal'))
  const second = await client.send('2')
  server = await serve(journal, { port })
  expect((await second.receipt).outcome).toBe('stored')
  expect(await textsOf(journal)).toEqual(['2'])
  await client.close()
  await server.close()
  await Promise.all([outbox.close(), journal.close()])
})

describe('a client restored from an older outbox', () => {
  test('numbers nothing more at that place; what comes then goes to a fresh outbox id', async () => {
    const stage = new Stage()
    await stage.send('1')
    stage.copy('outbox', 'copy')
    await stage.send('2', '3')
    stage.copy('copy', 'outbox')
    await stage.send('4')
    expect(stage.told).toEqual([{ code: 'OUTBOX_BEHIND', resent: [], resigned: [], lost: [] }])
    await stage.act(async (_, _outbox, journal) => {
      expect(await textsOf(journal)).toEqual(['1', '2', '3', '4'])
      expect(await faultsOf(journal)).toEqual([])
    })
  })

  test('gets the receipts of what it had sent before; what stands at the same numbers is signed anew', async () => {
    const stage = new Stage()
    await stage.send('1')
    await stage.queue('2')
    stage.copy('outbox', 'copy')
    await stage.send('3', '4', '5')
    stage.copy('copy', 'outbox')
    await stage.queue('another 3')
    await stage.act(async (client, outbox, journal) => {
      await client.drained()
      expect(await textsOf(journal)).toEqual(['1', '2', '3', '4', '5', 'another 3'])
      expect((await outbox.message(2))!.outcome).toBe('stored')
      expect((await outbox.message(3))!.outcome).toBe('stored')
      expect(await faultsOf(journal)).toEqual([])
    })
    expect(stage.told.map(({ code }) => code)).toEqual(['OUTBOX_BEHIND'])
  })

  test('and that has given as many numbers again before it could know learns it from the conflict', async () => {
    const stage = new Stage()
    await stage.send('1')
    await stage.queue('2')
    stage.copy('outbox', 'copy')
    await stage.send('3', '4')
    stage.copy('copy', 'outbox')
    // Numbers 3 and 4 are given again; 5 is the server's next.
    await stage.queue('another 3', 'another 4', '5')
    await stage.act(async (client, outbox, journal) => {
      await client.drained()
      expect(await textsOf(journal)).toEqual(['1', '2', '3', '4', '5', 'another 3', 'another 4'])
      for (const serial of [2, 3, 4, 5]) expect((await outbox.message(serial))!.outcome).toBe('stored')
      expect((await (await client.send('6')).receipt).outcome).toBe('stored')
      expect(await faultsOf(journal)).toEqual([])
    })
    expect(stage.told).toEqual([{ code: 'OUTBOX_BEHIND', resent: [], resigned: [], lost: [] }])
  })

  test('and has given more numbers again than the server answers conflicts for gets on by itself', async () => {
    const stage = new Stage()
    const numbered = (word: string): string[] => Array.from({ length: 40 }, (_, i) => `${word} ${i}`)
    await stage.queue('first')
    stage.copy('outbox', 'copy')
    await stage.send(...numbered('then'))
    stage.copy('copy', 'outbox')
    await stage.queue(...numbered('now'))
    await stage.act(async (client, _, journal) => {
      await client.drained()
      const texts = await textsOf(journal)
      expect(texts.slice(0, 41)).toEqual(['first', ...numbered('then')])
      expect(texts.slice(41)).toEqual(numbered('now'))
      expect(await faultsOf(journal)).toEqual([])
    })
    expect(stage.told.map(({ code }) => code)).toEqual(['OUTBOX_BEHIND'])
  })

  test('does not believe a second conflict of the same message: its caller is told', async () => {
    const path = folder()
    const told: string[] = []
    const outbox = await openOutbox(path('outbox'), { identity: alice, onNotice: ({ code }) => told.push(code) })
    const journal = await openJournal(path('journal'))
    // Says of each number that another message stands there.
    const { head } = journal
    journal.head = async (place) => {
      const found = await head.call(journal, place)
      return { ...found, position: { ...found.position, next: 2 } }
    }
    const server = await serve(journal)
    const client = dial(server, { outbox })
    const { receipt } = await client.send('1')
    await expect(receipt).rejects.toMatchObject({ code: 'MESSAGE_CONFLICT' })
    expect(told.filter((code) => code === 'OUTBOX_BEHIND')).not.toEqual([])
    await client.close(false)
    await server.close()
    await Promise.all([outbox.close(), journal.close()])
  })
})
