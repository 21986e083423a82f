import { duplexPair } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Wire } from '../../src/node/wire.ts'

test('what a peer sends ahead of the handshake is not read without bound, and none of it is lost', async () => {
  const [near, far] = duplexPair()
  const wire = new Wire(near)
  const total = 4 * 1024 * 1024
  let taken = 0
  const writing = (async () => {
    const chunk = Buffer.alloc(16 * 1024, 7)
    for (let sent = 0; sent < total; sent += chunk.length) {
      await new Promise<void>((resolve) => far.write(chunk, () => resolve()))
      taken += chunk.length
    }
  })()
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(taken).toBeLessThan(512 * 1024)
  expect((await wire.read(100_000)).length).toBe(100_000)
  let rest = 0
  const all = new Promise<void>((resolve) =>
    wire.listen({
      chunk(chunk) {
        rest += chunk.length
        if (rest === total - 100_000) resolve()
      },
      end() {},
      drain() {},
    }),
  )
  await Promise.all([all, writing])
  expect(rest).toBe(total - 100_000)
})

describe('a stream that was over before', () => {
  test('has ended, where its peer had', async () => {
    const [near, far] = duplexPair()
    far.end()
    near.resume()
    await new Promise((resolve) => near.once('end', resolve))
    await expect(new Wire(near).read(1)).rejects.toMatchObject({ code: 'TRUNCATED' })
  })

  test('is gone, where it was destroyed', async () => {
    const [near] = duplexPair()
    near.on('error', () => {})
    const cause = new Error('it broke')
    near.destroy(cause)
    await setImmediate()
    const wire = new Wire(near)
    await expect(wire.read(1)).rejects.toMatchObject({ code: 'TRUNCATED', cause })
    await wire.gone()
  })
})
