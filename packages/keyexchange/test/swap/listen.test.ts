/** The life of a code, with a clock of the test's own. */
import { generatePrivateKey, identity } from '@countersign/core'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { dialSwap } from '../../src/swap/dial.ts'
import type { Party } from '../../src/swap/drive.ts'
import { listenSwap, type Spent } from '../../src/swap/listen.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})

afterEach(() => {
  vi.useRealTimers()
})

function party(name: string): Party & { saved: string[] } {
  const saved: string[] = []
  return {
    identity: identity(generatePrivateKey()),
    name,
    saved,
    decide: () => true,
    save: (offer) => void saved.push(offer.name),
  }
}

test('after ten minutes a code is spent, another one is shown, and only that one is good', async () => {
  const [ben, ada] = [party('ben'), party('ada')]
  const codes: { code: string; spent: Spent | undefined }[] = []
  const address = Promise.withResolvers<AddressInfo>()
  const onCode = (code: string, bound: AddressInfo, spent: Spent | undefined): void => {
    codes.push({ code, spent })
    address.resolve(bound)
  }
  const stop = new AbortController()
  const listened = listenSwap({ host: '127.0.0.1', port: 0, party: ben, onCode, signal: stop.signal })
  const { port } = await address.promise
  const dial = (code: string): Promise<unknown> => dialSwap({ host: '127.0.0.1', port, code, party: ada, signal: stop.signal })

  vi.advanceTimersByTime(10 * 60_000 - 1)
  expect(codes).toHaveLength(1)
  vi.advanceTimersByTime(1)
  expect(codes.map(({ spent }) => spent)).toEqual([undefined, 'expired'])
  await expect(dial(codes[0]!.code)).rejects.toMatchObject({ code: 'CODE_MISMATCH' })
  expect(codes.at(-1)!.spent).toBe('wrong')
  expect(await dial(codes.at(-1)!.code)).toMatchObject({ confirmed: true })
  expect(await listened).toMatchObject({ confirmed: true })
  expect([ben.saved, ada.saved]).toEqual([['ada'], ['ben']])
})

test('who interrupts a listener gets their port back', async () => {
  const stop = new AbortController()
  const address = Promise.withResolvers<AddressInfo>()
  const first = { host: '127.0.0.1', port: 0, party: party('ben'), signal: stop.signal }
  const listened = listenSwap({ ...first, onCode: (_, bound) => address.resolve(bound) })
  const { port } = await address.promise
  stop.abort(new Error('interrupted'))
  await expect(listened).rejects.toThrow('interrupted')
  const again = new AbortController()
  const reopened = Promise.withResolvers<AddressInfo>()
  const second = listenSwap({ ...first, port, signal: again.signal, onCode: (_, bound) => reopened.resolve(bound) })
  expect((await reopened.promise).port).toBe(port)
  again.abort(new Error('enough'))
  await expect(second).rejects.toThrow('enough')
})
