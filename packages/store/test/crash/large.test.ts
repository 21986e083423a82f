/**
 * A large file: it takes no more memory than a small one, on either side, and interruptions cost next to nothing.
 *
 * It is killed three times: the client in the middle, the server in the middle, and the client between the server's commit
 * and its own. With TEST_FULL it is a file of 4 GiB too.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { openJournal } from '../../src/index.ts'
import type { Death } from '../programs/orders.ts'
import type { Proxy } from '../proxy.ts'
import { World } from '../programs/world.ts'

const MIB = 1024 * 1024
const SIZES = [256, ...(process.env['TEST_FULL'] === undefined ? [] : [4096])]
/** Both handshakes' frames, a PING, one statement and signature, CLOSE: with room to spare. */
const NO_BODY = 8 * 1024
/**
 * What is sent of a file at the most, over its size. An interruption costs what was on its way to the disk: mostly the
 * system's buffers of two sockets, of which one alone may hold 32 MiB where the server gets little time. Without resumption it would be 1.75.
 */
const SENT = 1.15
/** The peak of memory for a file of any size, over that for one of 16 MiB. */
const MOST = 1.1
/** V8 enlarges its young generation by how long a process has been busy, up to 16 MiB and more: here it stays as it is. */
const YOUNG = ['--min-semi-space-size=4', '--max-semi-space-size=4']

/** A file of so many bytes, no two MiB of it the same; its SHA-256. */
async function fileOf(path: string, size: number): Promise<string> {
  await using file = await open(path, 'wx')
  const hash = createHash('sha256')
  for (let at = 0; at < size; at += MIB) {
    const piece = Buffer.alloc(MIB, `${at} `)
    hash.update(piece)
    await file.write(piece)
  }
  return hash.digest('hex')
}

/** The SHA-256 of the one body that is stored. */
async function storedDigest(world: World): Promise<string> {
  await using journal = await openJournal(world.journal)
  const hash = createHash('sha256')
  for await (const piece of (await (await journal.message(1))!.content())!.stream()) hash.update(piece)
  return hash.digest('hex')
}

interface Peaks {
  readonly client: number
  readonly server: number
}

/** Sends files of these sizes one after the other, and nothing interrupts; the most memory that each took, in bytes. */
async function peaks(sizes: readonly number[]): Promise<Peaks[]> {
  await using world = new World()
  const server = await world.serve({ node: YOUNG })
  const sender = (await world.sender('ada', { node: YOUNG })).connect()
  const all: Peaks[] = []
  for (const [i, size] of sizes.entries()) {
    const path = world.path(`file-${i}`)
    await fileOf(path, size)
    for (const child of [sender.child, server]) child.forgetPeak()
    await sender.order({ do: 'file', label: `file-${i}`, path }).drained()
    all.push({ client: sender.child.peak, server: server.peak })
  }
  return all
}

const inMib = (peaks: readonly number[]): string => peaks.map((peak) => Math.round(peak / MIB)).join(', ')

for (const mib of SIZES) {
  const size = mib * MIB
  test(`${mib} MiB, killed three times, arrives whole and is sent once`, { timeout: (100 * size) / 1024 }, async () => {
    await using world = new World()
    const digest = await fileOf(world.path('file'), size)
    const proxy = await world.proxy()
    const server = await world.serve()
    const first = await world.sender()
    first.order({ do: 'file', label: 'file', path: world.path('file') })
    await first.child.next('enqueued')
    first.connect()
    await passed(proxy, size / 4)
    await first.child.kill()

    const death: Death = { point: 'receipt', time: 1, act: 'kill' }
    const second = (await world.sender('ada', { death })).connect()
    await passed(proxy, size / 2)
    await server.kill()
    await world.serve()
    await second.child.exited
    const before = proxy.bytes.up
    expect(second.child.all('receipt')).toHaveLength(1)

    await (await world.sender()).connect().drained()
    // Its body was there: statement and signature alone travelled again.
    expect(proxy.bytes.up - before).toBeLessThan(NO_BODY)
    expect(proxy.bytes.up).toBeLessThan(SENT * size)
    console.log(`${mib} MiB: ${((100 * proxy.bytes.up) / size).toFixed(2)} % of its size was sent`)
    expect(await storedDigest(world)).toBe(digest)
    expect((await world.check()).faults).toEqual([])
  })

  const unmeasured = existsSync('/proc/self/clear_refs') ? '' : ' (skipped: this system does not tell the peak of a process anew)'
  test.skipIf(unmeasured !== '')(
    `${mib} MiB take hardly more memory than 16, on either side${unmeasured}`,
    { timeout: (100 * size) / 1024 },
    async () => {
      // The first one brings both to the size that they stay at: their code is compiled by then.
      const [, small, large] = (await peaks([256 * MIB, 16 * MIB, size])) as [Peaks, Peaks, Peaks]
      console.log(
        `peak memory in MiB, of 16 and of ${mib}: client ${inMib([small.client, large.client])}; server ${inMib([small.server, large.server])}`,
      )
      expect(large.client).toBeLessThan(MOST * small.client)
      expect(large.server).toBeLessThan(MOST * small.server)
    },
  )
}

/** Resolves once so many bytes have come from the client. */
function passed(proxy: Proxy, bytes: number): Promise<void> {
  return proxy.until(() => proxy.bytes.up >= bytes)
}
