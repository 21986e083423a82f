/** A full disk: no receipt for what is not stored, nothing before it lost, and the server goes on when space returns. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, type TestContext } from 'vitest'
import { openOutbox } from '../../src/index.ts'
import { alice, folder, toBob } from '../parties.ts'
import { World } from '../programs/world.ts'

const MIB = 1024 * 1024

/** A file system of 8 MiB, most of which a file takes up. */
function smallDisk(context: TestContext, folder: string): { filler: string } {
  mkdirSync(folder)
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder], { encoding: 'utf8' })
  if (status !== 0) {
    console.log(`disk full: skipped, because no tmpfs can be mounted (${stderr?.trim()})`)
    context.skip('no tmpfs can be mounted')
  }
  onTestFinished(() => void spawnSync('umount', ['-l', folder]))
  const filler = join(folder, 'filler')
  writeFileSync(filler, Buffer.alloc(6 * MIB))
  return { filler }
}

for (const { kind, length, most } of [
  { kind: 'short messages', length: 64 * 1024, most: 60 },
  { kind: 'a long item', length: 3 * MIB, most: 1 },
]) {
  test(`with ${kind}`, async (context) => {
    const world = new World()
    const disk = world.path('disk')
    onTestFinished(() => world[Symbol.asyncDispose]())
    const { filler } = smallDisk(context, disk)
    world.journal = join(disk, 'journal.db')
    const server = await world.serve()
    const sender = await world.sender()
    sender.connect().send(['before'], { inTurn: true })
    await sender.child.next('settled')
    const labels = Array.from({ length: most }, (_, i) => `message ${i}`)
    for (const label of labels) sender.send([label], { length })
    await server.next('over')
    // It may have come again, and met the same, before this is read.
    expect(new Set(server.all('over').map(({ code }) => code))).toEqual(new Set(['STORAGE']))
    expect(await sender.child.next('over')).toEqual({ event: 'over', code: 'PEER_STORAGE' })

    // What has a receipt is stored, while the disk is full; and nothing else has one.
    expect(statfsSync(disk).bavail * statfsSync(disk).bsize).toBeLessThan(length)
    const full = await world.check({ drained: false })
    expect(full.faults).toEqual([])
    expect(full.counts.stored).toBeLessThan(most + 1)

    rmSync(filler)
    await sender.drained()
    const { faults, counts } = await world.check()
    expect(faults).toEqual([])
    expect(counts.stored).toBe(most + 1)
    expect(server.running).toBe(true)
  })
}

test('a long body that finds room for a part of it is not taken', async (context) => {
  const path = folder()
  smallDisk(context, path('outbox-items'))
  await using outbox = await openOutbox(path('outbox'), { identity: alice })
  await expect(outbox.enqueue(toBob, Buffer.alloc(3 * MIB))).rejects.toMatchObject({ code: 'STORAGE' })
  expect(readdirSync(path('outbox-items'))).toEqual(['filler'])
  await expect(outbox.enqueue(toBob, 'short')).resolves.toMatchObject({ serial: 1 })
})
