import { generatePrivateKey, identity, memoryJournal, type OutgoingEnvelope, type Peer } from '@countersign/core'
import { NO_POSITION, random } from '@countersign/core/protocol'
import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { openJournal, openOutbox, type OutboxOptions, type StoredOutbox } from '../src/index.ts'
import { alice, all, dial, faultsOf, folder, joined, serve, textsOf, toBob } from './parties.ts'

function open(file: string, options: Partial<OutboxOptions> = {}): Promise<StoredOutbox> {
  return openOutbox(file, { identity: alice, ...options })
}

/** What a session would send to a receiver that has nothing, up to the last message of the outbox. */
async function pendingOf(outbox: StoredOutbox, to: Peer = toBob): Promise<OutgoingEnvelope[]> {
  await outbox.begin(to, { outbox: await outbox.idFor(to), journal: random(16), position: NO_POSITION })
  const last = (await all(outbox.messages())).at(-1)!.number
  const pending: OutgoingEnvelope[] = []
  for await (const envelope of outbox.pending(to, new AbortController().signal)) {
    pending.push(envelope)
    if (envelope.first + envelope.count > last) break
  }
  return pending
}

describe('messages that wait at the same moment', () => {
  test('share an envelope, and are numbered from 1 in their order', async () => {
    const outbox = await open(folder()('outbox'))
    const queued = await Promise.all(['a', 'b', 'c'].map((text) => outbox.enqueue(toBob, text)))
    expect(queued.map(({ serial, number }) => [serial, number])).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ])
    expect((await pendingOf(outbox)).map(({ first, count }) => [first, count])).toEqual([[1, 3]])
    await outbox.close()
  })

  test('have numbers of their own for each receiver', async () => {
    const outbox = await open(folder()('outbox'))
    const toCarol = { keys: [generatePrivateKey().publicKey] }
    const queued = await Promise.all([toBob, toCarol, toBob].map((to) => outbox.enqueue(to, 'hello')))
    expect(queued.map(({ number }) => number).toSorted((a, b) => a - b)).toEqual([1, 1, 2])
    expect(queued.map(({ serial }) => serial).toSorted((a, b) => a - b)).toEqual([1, 2, 3])
    await outbox.close()
  })

  test('keep their order where the first of them takes longest', async () => {
    const outbox = await open(folder()('outbox'))
    async function* slowly(): AsyncGenerator<string> {
      await new Promise((resolve) => setTimeout(resolve, 50))
      yield 'slow'
    }
    const queued = await Promise.all([outbox.enqueue(toBob, slowly()), outbox.enqueue(toBob, 'quick')])
    expect(queued.map(({ number }) => number)).toEqual([1, 2])
    await outbox.close()
  })

  test('are not kept from going by one whose body fails', async () => {
    const path = folder()
    const outbox = await open(path('outbox'))
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(3_000_000)
      throw new Error('the pipe broke')
    }
    const failing = outbox.enqueue(toBob, broken())
    const queued = outbox.enqueue(toBob, 'fine')
    await expect(failing).rejects.toThrow('the pipe broke')
    expect((await queued).number).toBe(1)
    expect(readdirSync(path('outbox-items'))).toEqual([])
    await outbox.close()
  })
})

describe('an envelope', () => {
  test('is sent again with the bytes that were signed first, after the outbox was opened again too', async () => {
    const file = folder()('outbox')
    let outbox = await open(file)
    await outbox.enqueue(toBob, 'once')
    const [before] = await pendingOf(outbox)
    await outbox.close()
    outbox = await open(file)
    const [after] = await pendingOf(outbox)
    expect(after!.message).toEqual(before!.message)
    expect(await all(after!.read(0))).toEqual(await all(before!.read(0)))
    await outbox.close()
  })

  test('gets its numbers from one count where two processes have the outbox open', async () => {
    const file = folder()('outbox')
    const [one, two] = [await open(file), await open(file)]
    const numbers: number[] = []
    for (const outbox of [one, two, two, one, one, two]) numbers.push((await outbox.enqueue(toBob, 'x')).number)
    const rest = await Promise.all([one, two, one, two].map((outbox) => outbox.enqueue(toBob, 'y')))
    expect([...numbers, ...rest.map(({ number }) => number)].toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect((await pendingOf(one)).map(({ first }) => first)).toEqual((await pendingOf(two)).map(({ first }) => first))
    await Promise.all([one.close(), two.close()])
  })

  test('that is long stands in a file, and is read from any offset', async () => {
    const path = folder()
    const outbox = await open(path('outbox'))
    const body = random(2_500_000)
    await outbox.enqueue(toBob, new Blob([body as Uint8Array<ArrayBuffer>]), { name: 'long' })
    expect(readdirSync(path('outbox-items'))).toHaveLength(1)
    const [envelope] = await pendingOf(outbox)
    const whole = await joined(envelope!.read(0))
    expect(whole.length).toBe(envelope!.lengths[0])
    expect(whole.subarray(-body.length).equals(body)).toBe(true)
    expect((await joined(envelope!.read(2_000_000))).equals(whole.subarray(2_000_000))).toBe(true)
    await outbox.close()
  })
})

describe('a message', () => {
  test('that is dropped is withdrawn with a receipt; what shared its envelope arrives all the same', async () => {
    const path = folder()
    const journal = await openJournal(path('journal'))
    const outbox = await open(path('outbox'))
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((text) => outbox.enqueue(toBob, text)))
    expect(await outbox.drop(b!.serial)).toBe(true)
    const client = dial(await serve(journal), { outbox })
    await expect(b!.receipt).rejects.toMatchObject({ code: 'MESSAGE_WITHDRAWN' })
    expect((await a!.receipt).number).toBe(4)
    expect((await c!.receipt).outcome).toBe('stored')
    expect(await textsOf(journal)).toEqual(['a', 'c'])
    expect(await outbox.drop(a!.serial)).toBe(false)
    expect(await outbox.drop(99)).toBe(false)
    const messages = await all(outbox.messages())
    expect(messages.map(({ serial, number, outcome, dropped }) => [serial, number, outcome, dropped])).toEqual([
      [2, 2, 'withdrawn', true],
      [1, 4, 'stored', false],
      [3, 5, 'stored', false],
    ])
    expect(await faultsOf(journal)).toEqual([])
    await client.close()
    await outbox.close()
    await journal.close()
  })

  test('that is refused with others is refused alone, and the others arrive', async () => {
    const path = folder()
    const journal = await openJournal(path('journal'))
    const policy = { item: ({ attributes }: { attributes: ReadonlyMap<string, string> }) => attributes.get('id') !== 'bad' }
    const outbox = await open(path('outbox'))
    const queued = await Promise.all(['good', 'bad', 'fine'].map((id) => outbox.enqueue(toBob, id, { id })))
    const client = dial(await serve(journal, { policy }), { outbox })
    await expect(queued[1]!.receipt).rejects.toMatchObject({ code: 'MESSAGE_REFUSED' })
    await Promise.all([queued[0]!.receipt, queued[2]!.receipt])
    await client.drained()
    expect(await textsOf(journal)).toEqual(['good', 'fine'])
    expect((await outbox.message(2))!.outcome).toBe('refused')
    expect((await all(outbox.receipts())).map(({ receiptStatement }) => receiptStatement.outcome)).toEqual([3, 1, 3, 1])
    expect(await faultsOf(journal)).toEqual([])
    await client.close()
    await outbox.close()
    await journal.close()
  })

  test('loses its body once its receipt is there and its time has passed, and keeps its receipt', async () => {
    const path = folder()
    const outbox = await open(path('outbox'), { keep: 0 })
    const client = dial(await serve(memoryJournal()), { outbox })
    const { receipt } = await client.send(random(1_500_000))
    await receipt
    await client.send('waits')
    await client.close()
    await outbox.prune()
    const [first] = await all(outbox.messages())
    expect([first!.item, await first!.content(), first!.outcome]).toEqual([undefined, undefined, 'received'])
    expect(await first!.receipts()).toHaveLength(1)
    expect(readdirSync(path('outbox-items'))).toEqual([])
    await outbox.close()
  })

  test('that no session sends is still there, and its body too, whatever time has passed', async () => {
    const outbox = await open(folder()('outbox'), { keep: 0, keepBytes: 0 })
    const { serial, receipt } = await outbox.enqueue(toBob, 'waits')
    await outbox.prune()
    expect(await (await (await outbox.message(serial))!.content())!.text()).toBe('waits')
    await outbox.close()
    await expect(receipt).rejects.toMatchObject({ code: 'SESSION_ENDED' })
  })
})

test('a file that nothing refers to is gone after a day, when the outbox is opened', async () => {
  const path = folder()
  await (await open(path('outbox'))).close()
  for (const name of ['old.part', 'new.part']) writeFileSync(path('outbox-items', name), 'x')
  utimesSync(path('outbox-items', 'old.part'), new Date(0), new Date(0))
  await (await open(path('outbox'))).close()
  expect(['old.part', 'new.part'].map((name) => existsSync(path('outbox-items', name)))).toEqual([false, true])
})

test('an outbox of a server keeps its messages for each client, and sends them when it comes', async () => {
  const path = folder()
  const bob = identity(generatePrivateKey())
  const outbox = await open(path('outbox'), { identity: bob })
  const journal = await openJournal(path('journal'))
  const { receipt } = await outbox.enqueue({ keys: [alice.publicKey] }, 'to a client')
  const own = await open(path('own'))
  const server = await serve(memoryJournal(), { identity: bob, outbox })
  const client = dial(server, { outbox: own, peer: bob.publicKey, journal })
  expect((await receipt).outcome).toBe('stored')
  expect(await textsOf(journal)).toEqual(['to a client'])
  await client.close()
  await server.close()
  for (const each of [outbox, own, journal]) await each.close()
})
