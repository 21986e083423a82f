import { describe, expect, test } from 'vitest'
import { concat } from '../../src/bytes.ts'
import { Sealer } from '../../src/session/cipher.ts'
import { Session } from '../../src/session/session.ts'
import { KIND, REASON } from '../../src/wire/records.ts'
import { freshSecrets, Pair, secretsCopy } from '../harness/pair.ts'

const secrets = freshSecrets()
const text = (words: string): Uint8Array[] => [Buffer.from(words)]

function pair(limits = {}): Pair {
  return new Pair({ secrets, limits })
}

describe('a server before the client’s first record has opened', () => {
  test('sends nothing, whatever it is asked for and however long it waits', () => {
    const { session } = pair({ pingAfter: 10, idleAfter: 50 }).server
    session.ping(0)
    session.updateKey(0)
    session.send('MESSAGE-END', text('too soon'), 0)
    session.sendReceipt({ statement: new Uint8Array(1), signature: new Uint8Array(1) }, 0)
    session.close(REASON.goingAway, '', 0)
    expect(session.closeSent).toBe(false)
    expect(session.tick(49)).toBe('on')
    expect(session.tick(session.nextTick)).toBe('idle')
    expect(session.takeOutput(50)).toEqual([])
  })

  test('sleeps until it is idle rather than ask after a PING that it may not send', () => {
    const { session } = pair({ pingAfter: 10, idleAfter: 50 }).server
    expect(session.nextTick).toBe(50)
  })

  test('speaks once it has opened', () => {
    const both = pair()
    both.settle()
    expect(both.server.events).toEqual([{ type: 'confirmed' }])
    expect(both.client.events).toEqual([{ type: 'pong', elapsed: 0 }])
  })
})

test('a side that has forgotten its keys seals nothing and opens nothing: either would be under zeros', () => {
  const { session } = pair().client
  session.takeOutput(0)
  session.erase()
  session.send('MESSAGE-END', text('under zeros'), 0)
  session.sendReceipt({ statement: new Uint8Array(1), signature: new Uint8Array(1) }, 0)
  session.updateKey(0)
  session.close(REASON.done, '', 0)
  expect(session.takeOutput(0)).toEqual([])
  const forged = new Sealer(new Uint8Array(32))
  Object.assign(forged, { aead: { key: new Uint8Array(32), iv: new Uint8Array(12) } })
  expect([...session.receive(concat(...forged.record(KIND.PING, [new Uint8Array(8)])), 0)]).toEqual([])
  expect(session.takeOutput(0)).toEqual([])
})

describe('a side that has sent its CLOSE', () => {
  test('sends nothing more: no message, no PONG, no KEY-UPDATE, no second CLOSE', () => {
    const both = pair()
    both.settle()
    both.server.session.ping(0)
    both.write('server')
    both.client.session.close(REASON.done, '', 0)
    expect(both.write('client')).toBeGreaterThan(0)
    both.read('client')
    both.client.session.updateKey(0)
    both.client.session.send('MESSAGE-END', text('late'), 0)
    both.client.session.close(REASON.done, '', 0)
    expect(both.write('client')).toBe(0)
  })

  test('drops messages, takes receipts, and has ended well when the peer’s CLOSE comes', () => {
    const both = pair()
    both.settle()
    both.client.session.close(REASON.done, '', 0)
    both.server.session.send('MESSAGE-END', text('dropped'), 0)
    both.server.session.sendReceipt({ statement: new Uint8Array(1), signature: new Uint8Array(1) }, 0)
    both.server.session.close(REASON.done, '', 0)
    both.settle()
    expect(both.client.events.slice(1).map(({ type }) => type)).toEqual(['receipt', 'close'])
    expect(both.server.events.slice(1).map(({ type }) => type)).toEqual(['close'])
  })

  test('waits for the peer’s for so long and no longer', () => {
    const { session } = pair({ closeWithin: 5 }).client
    session.close(REASON.done, '', 100)
    expect([session.nextTick, session.tick(104), session.tick(105)]).toEqual([105, 'on', 'expired'])
  })
})

describe('what comes behind', () => {
  const records = (...list: readonly (readonly [number, Uint8Array])[]): Uint8Array => {
    const sealer = new Sealer(secretsCopy(secrets).client)
    return concat(...list.flatMap(([kind, payload]) => sealer.record(kind, [payload])))
  }
  const message = [KIND['MESSAGE-END'], Buffer.from('hello')] as const
  const wrong = [KIND['KEY-UPDATE'], Buffer.from('not empty')] as const

  test('a record that is wrong is never looked at: an error is for good', () => {
    const { server } = pair()
    const bytes = records(message, wrong, message)
    const seen: string[] = []
    const hear = (chunk: Uint8Array): void => {
      for (const { type } of server.session.receive(chunk, 0)) seen.push(type)
    }
    expect(() => hear(bytes)).toThrow(expect.objectContaining({ code: 'PROTOCOL' }))
    hear(records(message, message, message))
    expect(seen).toEqual(['confirmed', 'part'])
  })

  test('a record that does not open is never looked at either, nor is that record tried again', () => {
    const { server } = pair()
    const bytes = records(message)
    const broken = bytes.with(bytes.length - 1, bytes.at(-1)! ^ 1)
    expect(() => [...server.session.receive(broken, 0)]).toThrow(expect.objectContaining({ code: 'NOT_AUTHENTIC' }))
    expect([...server.session.receive(bytes, 0)]).toEqual([])
    expect(server.session.takeOutput(0)).toEqual([])
  })

  test('a CLOSE is dropped', () => {
    const { server } = pair()
    const close = [KIND.CLOSE, Uint8Array.of(0, 0, 0, 0, 0)] as const
    const types = [...server.session.receive(records(message, close, message), 0)].map(({ type }) => type)
    expect(types).toEqual(['confirmed', 'part', 'close'])
  })
})

test('a session overwrites the secrets that it was made of', () => {
  const own = secretsCopy(secrets)
  const session = new Session({ role: 'client', secrets: own, mayReceive: true, now: 0 })
  session.erase()
  expect(concat(own.client, own.server).every((byte) => byte === 0)).toBe(true)
})

describe('a side that does not read', () => {
  test('takes its own pause for no silence of the peer’s, and gives signs of life that want no answer', () => {
    const both = pair()
    both.settle()
    both.server.session.pause()
    for (both.now = 30_000; both.now <= 300_000; both.now += 30_000) {
      expect(both.server.session.tick(both.now)).toBe('on')
      expect(both.write('server')).toBe(21)
      both.read('client')
      expect(both.client.session.tick(both.now)).toBe('on')
      expect(both.write('client')).toBe(0)
    }
    both.server.session.resume(310_000)
    expect(both.server.session.nextTick).toBe(340_000)
    expect(both.server.session.tick(399_999)).toBe('on')
    expect(both.server.session.tick(400_000)).toBe('idle')
  })

  test('gives them also while a PONG of the peer’s stands among what it does not read', () => {
    const both = pair()
    both.settle()
    both.server.session.ping(0)
    expect(both.server.session.nextTick).toBe(90_000)
    both.server.session.pause()
    expect(both.server.session.nextTick).toBe(30_000)
  })
})

describe('time', () => {
  test('brings a PING after 30 s in which nothing was heard, and CLOSE 2 after 90 s', () => {
    const both = pair()
    both.settle()
    both.now = 29_999
    expect(both.server.session.tick(both.now)).toBe('on')
    expect(both.write('server')).toBe(0)
    both.now = 30_000
    expect(both.server.session.tick(both.now)).toBe('on')
    expect(both.write('server')).toBeGreaterThan(0)
    both.now = 90_000
    expect(both.server.session.tick(both.now)).toBe('idle')
    both.write('server')
    both.read('client')
    expect(both.client.events.at(-1)).toMatchObject({ type: 'close', reason: REASON.idle })
  })

  test('passes without an end where both sides answer', () => {
    const both = pair()
    both.settle()
    both.sleep(10 * 60_000)
    expect([both.client.error, both.server.error]).toEqual([undefined, undefined])
    expect(both.client.events.concat(both.server.events).some(({ type }) => type === 'close')).toBe(false)
    expect(both.client.events.filter(({ type }) => type === 'pong').length).toBeGreaterThan(5)
  })
})

test('several PINGs that come before there is room to write get one PONG, of the last', () => {
  const { server } = pair()
  const sealer = new Sealer(secretsCopy(secrets).client)
  const pings = [1, 2, 3].map((byte) => new Uint8Array(8).fill(byte))
  const bytes = concat(...pings.flatMap((payload) => sealer.record(KIND.PING, [payload])))
  for (const event of server.session.receive(bytes, 0)) expect(event.type).toBe('confirmed')
  const output = concat(...server.session.takeOutput(0))
  expect(output.length).toBe(4 + 1 + 8 + 16)
})
