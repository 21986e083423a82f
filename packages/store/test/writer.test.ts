import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openOutbox } from '../src/index.ts'
import { alice, folder, toBob } from './parties.ts'

describe.each([
  ['a thread of its own', true],
  ['the thread that asks', false],
])('a store that writes in %s', (_, thread) => {
  test('keeps its process, where it is closed while it still works, until it is closed', () => {
    const root = mkdtempSync(join(tmpdir(), 'countersign-close-'))
    onTestFinished(() => rmSync(root, { recursive: true }))
    const program = join(import.meta.dirname, 'programs/close.ts')
    const words = [program, join(root, 'outbox.db'), ...(thread ? [] : ['--in-place'])]
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' })
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'closed\n', stderr: '' })
  })

  test('holds what another store of the same file has put there', async () => {
    const file = folder()('outbox')
    const first = await openOutbox(file, { identity: alice, thread })
    const second = await openOutbox(file, { identity: alice })
    const queued = await Promise.all([first.enqueue(toBob, 'one'), second.enqueue(toBob, 'two'), first.enqueue(toBob, 'three')])
    expect(queued.map(({ number }) => number).toSorted((a, b) => a - b)).toEqual([1, 2, 3])
    await Promise.all([first.close(), second.close()])
  })

  test('says so where its file is none of its own', async () => {
    const path = folder()
    await expect(openOutbox(path(), { identity: alice, thread })).rejects.toMatchObject({ code: 'STORAGE' })
  })

  test('takes no call once it is closed, and may be closed again', async () => {
    const outbox = await openOutbox(folder()('outbox'), { identity: alice, thread })
    await outbox.close()
    await outbox.close()
    await expect(outbox.enqueue(toBob, 'late')).rejects.toMatchObject({ code: 'STORAGE' })
  })
})
