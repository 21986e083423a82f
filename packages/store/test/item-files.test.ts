/** Parts of long items whose fsync fails. The system says so once, and takes what was to be written for written from then on. */
import type * as Fs from 'node:fs'
import { readFileSync } from 'node:fs'
import { describe, expect, test, vi } from 'vitest'
import { ItemFiles } from '../src/item-files.ts'
import { folder } from './parties.ts'

const disk = vi.hoisted(() => ({ failsOnce: false }))
vi.mock('node:fs', async (original) => {
  const real = await original<typeof Fs>()
  const fsyncSync = (descriptor: number): void => {
    if (!disk.failsOnce) return real.fsyncSync(descriptor)
    disk.failsOnce = false
    throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' })
  }
  return { ...real, fsyncSync }
})

const EIO = expect.objectContaining({ code: 'EIO' })

/** A part of which five bytes are durable, and three more are written. */
function written(): { file: string; files: ItemFiles } {
  const file = folder()('journal')
  const files = new ItemFiles(file)
  files.open('a')
  files.write('a', Buffer.from('first'))
  expect(files.size('a')).toBe(5)
  files.write('a', Buffer.from('two'))
  disk.failsOnce = true
  return { file, files }
}

describe('a part whose fsync fails holds nothing any more', () => {
  test('while it is written', () => {
    const { files } = written()
    expect(() => files.write('a', new Uint8Array(16 * 1024 * 1024))).toThrow(EIO)
    expect(files.size('a')).toBe(0)
    files.close('a')
    expect(files.size('a')).toBe(0)
  })

  test('when writing ends, for whoever asks then', () => {
    const { file, files } = written()
    expect(() => files.close('a')).toThrow(EIO)
    expect([files.size('a'), new ItemFiles(file).size('a')]).toEqual([0, 0])
  })

  test('when another process asks for it; whoever was writing cannot complete it either', () => {
    const { file, files } = written()
    const others = new ItemFiles(file)
    expect(() => others.size('a')).toThrow(EIO)
    expect(others.size('a')).toBe(0)
    files.write('a', Buffer.from('more'))
    expect(() => files.complete('a')).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  })

  test('when it is complete, and gets no final name', () => {
    const { files } = written()
    expect(() => files.complete('a')).toThrow(EIO)
    expect(files.size('a')).toBe(0)
    expect(files.path('a')).toMatch(/a\.part$/)
  })

  test('and is written again from its start', () => {
    const { files } = written()
    expect(() => files.close('a')).toThrow(EIO)
    files.open('a')
    files.write('a', Buffer.from('anew'))
    files.complete('a')
    expect(readFileSync(files.itemPath('a'), 'utf8')).toBe('anew')
  })
})

test('an item that has its final name was durable before: it stays, though a later fsync fails', () => {
  const { files } = written()
  disk.failsOnce = false
  files.complete('a')
  disk.failsOnce = true
  expect(() => files.size('a')).toThrow(EIO)
  expect(files.size('a')).toBe(8)
})
