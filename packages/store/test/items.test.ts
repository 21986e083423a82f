/** Files of long items that are not what was written: whoever reads one is told, or gets what was written. */
import { random } from '@countersign/core/protocol'
import { appendFileSync, readdirSync, rmSync, truncateSync } from 'node:fs'
import { expect, test } from 'vitest'
import { openJournal, openOutbox, type StoredMessage } from '../src/index.ts'
import { alice, dial, folder, serve, toBob } from './parties.ts'

test('one that is pruned after its message was read in the journal is pruned, and no damage', async () => {
  const path = folder()
  await using journal = await openJournal(path('journal'))
  await using outbox = await openOutbox(path('outbox'), { identity: alice })
  const server = await serve(journal)
  await (
    await dial(server, { outbox }).send(random(1_300_000))
  ).receipt
  for await (const message of journal.messages()) {
    await journal.prune({ mostBytes: 0 })
    expect(await message.content()).toBeUndefined()
  }
})

test('one that was cut, or is gone, is no shorter body; what stands behind one is none of it', async () => {
  const path = folder()
  await using journal = await openJournal(path('journal'))
  await using outbox = await openOutbox(path('outbox'), { identity: alice })
  const server = await serve(journal)
  const body = random(1_300_000)
  await (
    await dial(server, { outbox }).send(body)
  ).receipt
  const message = (await journal.message(1)) as StoredMessage
  const bytes = async (): Promise<Uint8Array> => (await message.content())!.bytes()
  const [name] = readdirSync(path('journal-items'))
  const file = path('journal-items', name!)
  appendFileSync(file, 'more')
  expect(Buffer.compare(await bytes(), body)).toBe(0)
  truncateSync(file, 1_000_000)
  await expect(bytes()).rejects.toMatchObject({ code: 'STORAGE' })
  rmSync(file)
  await expect(bytes()).rejects.toMatchObject({ code: 'STORAGE' })
})

test('one that is gone before its message was sent is said, with the message, which can be dropped', async () => {
  const path = folder()
  await using journal = await openJournal(path('journal'))
  await using outbox = await openOutbox(path('outbox'), { identity: alice })
  const server = await serve(journal)
  const { serial } = await outbox.enqueue(toBob, random(1_300_000))
  const { receipt } = await outbox.enqueue(toBob, 'behind it')
  rmSync(path('outbox-items', readdirSync(path('outbox-items'))[0]!))
  const { error } = await dial(server, { outbox }).closed
  expect(error).toMatchObject({ code: 'STORAGE', message: expect.stringContaining(`message ${serial} of the outbox`) })
  expect(await outbox.drop(serial)).toBe(true)
  dial(server, { outbox })
  expect((await receipt).outcome).toBe('stored')
})
