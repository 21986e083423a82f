import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

test('a store that is closed while it still works keeps its process until it is closed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-close-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const program = join(import.meta.dirname, 'programs/close.ts')
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, join(folder, 'outbox.db')], { encoding: 'utf8' })
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'closed\n', stderr: '' })
})
