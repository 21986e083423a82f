import { hex, random } from '@countersign/core/protocol'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { backupJournal, openJournal, openOutbox, restoreJournal, type StoredJournal } from '../src/index.ts'
import { alice, dial, faultsOf, folder, serve, textsOf } from './parties.ts'

type Path = (...names: string[]) => string

/** Delivers texts, and says what stands in the journal afterwards, while its server runs. */
async function during(
  path: Path,
  bodies: readonly (string | Uint8Array)[],
  work: (journal: StoredJournal) => Promise<void>,
): Promise<void> {
  const journal = await openJournal(path('journal'))
  const outbox = await openOutbox(path('outbox'), { identity: alice })
  const server = await serve(journal)
  const client = dial(server, { outbox })
  for (const body of bodies) await (await client.send(body)).receipt
  await work(journal)
  await client.close()
  await server.close()
  await Promise.all([outbox.close(), journal.close()])
}

describe('a backup', () => {
  test('holds all of one moment, while the server goes on, and becomes a journal with an id of its own', async () => {
    const path = folder()
    const long = random(1_300_000)
    await during(path, ['1', long], async (journal) => {
      const steps: string[] = []
      await backupJournal(path('journal'), path('backup'), { onProgress: (done, total) => steps.push(`${done}/${total}`) })
      expect(steps).toEqual(['1/1'])
      expect(hex(journal.id)).toHaveLength(32)
    })
    await during(path, ['3'], async (journal) => expect(await journal.size()).toEqual({ entries: 3, messages: 3 }))
    await restoreJournal(path('backup'), path('restored'))
    const [restored, live] = [await openJournal(path('restored')), await openJournal(path('journal'))]
    expect(hex(restored.id)).not.toBe(hex(live.id))
    expect(await faultsOf(restored)).toEqual([])
    expect(await restored.size()).toEqual({ entries: 2, messages: 2 })
    expect(hex(await (await (await restored.message(2))!.content())!.bytes())).toBe(hex(long))
    await Promise.all([restored.close(), live.close()])
  })

  test('is for its owner alone', async () => {
    const path = folder()
    await during(path, [random(1_300_000)], (journal) => journal.backup(path('backup')))
    expect(statSync(path('backup')).mode & 0o777).toBe(0o600)
    expect(statSync(path('backup-items')).mode & 0o777).toBe(0o700)
    for (const name of readdirSync(path('backup-items'))) expect(statSync(path('backup-items', name)).mode & 0o777).toBe(0o600)
  })

  test('holds nothing of what was still coming', async () => {
    const path = folder()
    const journal = await openJournal(path('journal'))
    const place = { sender: random(32), receiver: random(32), outbox: random(16) }
    await (await journal.spool(place, random(32), 100)).write([random(50)])
    await journal.backup(path('backup'))
    expect((await journal.head(place)).position.offset).toBe(50)
    await restoreJournal(path('backup'), path('restored'))
    const copy = await openJournal(path('restored'))
    expect((await copy.head(place)).position.offset).toBe(0)
    expect(readdirSync(path('backup-items'))).toEqual([])
    await Promise.all([journal.close(), copy.close()])
  })

  test('is not made, nor restored, without the items that it names', async () => {
    const path = folder()
    await during(path, [random(1_300_000), random(1_300_000)], (journal) => journal.backup(path('backup')))
    const [first] = readdirSync(path('backup-items'))
    rmSync(path('backup-items', first!))
    const lacks = { code: 'STORAGE', message: expect.stringMatching(/backup-items lacks \w+\.item; missing are 1 of its items/) }
    await expect(restoreJournal(path('backup'), path('restored'))).rejects.toMatchObject(lacks)
    expect(existsSync(path('restored'))).toBe(false)
    rmSync(path('journal-items'), { recursive: true })
    await expect(backupJournal(path('journal'), path('second'))).rejects.toMatchObject({ code: 'STORAGE' })
    expect(readdirSync(path()).filter((name) => name.includes('draft'))).toEqual([])
  })

  test('is no journal to go on with, and left as it is, until it is restored', async () => {
    const path = folder()
    await during(path, ['1'], (journal) => journal.backup(path('backup')))
    const before = readFileSync(path('backup'))
    await expect(openJournal(path('backup'))).rejects.toMatchObject({
      code: 'BACKUP',
      message: expect.stringContaining(path('backup')),
    })
    expect(readFileSync(path('backup')).equals(before)).toBe(true)
    await backupJournal(path('backup'), path('again'))
    await restoreJournal(path('again'), path('restored'))
    const journal = await openJournal(path('restored'))
    const live = await openJournal(path('journal'))
    expect(journal.restores).toEqual([{ at: expect.any(Date), former: live.id, entries: 1, messages: 1 }])
    expect([await journal.unheard(), live.restores, await live.unheard()]).toEqual([1, [], 0])
    await Promise.all([journal.close(), live.close()])
  })

  test('is never written over anything, and an attempt that broke off is in nobody’s way', async () => {
    const path = folder()
    await during(path, ['1'], async (journal) => {
      writeFileSync(path('backup'), 'precious')
      await expect(journal.backup(path('backup'))).rejects.toMatchObject({
        code: 'STORAGE',
        message: expect.stringContaining('exists'),
      })
      rmSync(path('backup'))
      writeFileSync(path('backup.draft'), 'half of a backup')
      await journal.backup(path('backup'))
      expect(readdirSync(path()).filter((name) => name.includes('draft'))).toEqual([])
      await expect(restoreJournal(path('backup'), path('journal'))).rejects.toMatchObject({ code: 'STORAGE' })
      expect(await textsOf(journal)).toEqual(['1'])
    })
    await expect(restoreJournal(path('nothing'), path('restored'))).rejects.toMatchObject({ code: 'STORAGE' })
    await expect(backupJournal(path('nothing'), path('other'))).rejects.toMatchObject({ code: 'STORAGE' })
    expect(readdirSync(path())).not.toContain('nothing')
  })
})
