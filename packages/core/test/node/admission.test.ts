import * as fc from 'fast-check'
import { createConnection } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Admission, networkOf, type Visit } from '../../src/node/admission.ts'
import { connect } from '../../src/node/connect.ts'
import type { TraceEvent } from '../../src/node/options.ts'
import { machines } from '../harness/handshake.ts'
import { alice, bob, dial, serve } from './parties.ts'

/** The limit only ends what hangs. */
const patiently = { timeout: 20_000 }
/** Bytes of HELLO+ACK. */
const ANSWER = 4 + 5264

/** A door, and the numbers of those who were turned away from it, in order. */
function door(mostHandshakes: number, mostHandshakesPerAddress: number) {
  const admission = new Admission({ mostHandshakes, mostHandshakesPerAddress })
  const turnedAway: number[] = []
  let number = 0
  const come = (address: string): Visit | undefined => {
    number += 1
    const own = number
    return admission.enter(address, () => turnedAway.push(own))
  }
  return { come, turnedAway }
}

describe('at a full door', () => {
  test('the oldest stranger of an address makes room for the next from that address, and for nobody else’s', () => {
    const { come, turnedAway } = door(10, 2)
    const visits = ['a', 'b', 'a', 'a', 'a'].map((address) => come(address))
    expect(turnedAway).toEqual([1, 3])
    expect(visits.map((visit) => visit?.open)).toEqual([false, true, false, true, true])
  })

  test('whoever comes takes a place of the address that has the most strangers, and the oldest of those', () => {
    const { come, turnedAway } = door(6, 4)
    for (const address of ['few', 'many', 'many', 'many', 'two', 'two']) come(address)
    come('new')
    come('newer')
    expect(turnedAway).toEqual([2, 3])
  })

  test('of addresses with as many strangers, the one that has waited longest makes room', () => {
    const { come, turnedAway } = door(3, 4)
    const first = come('a')
    for (const address of ['b', 'c']) come(address)
    first!.leave()
    come('a')
    for (const address of ['d', 'e', 'f']) come(address)
    expect(turnedAway).toEqual([2, 3, 4])
  })

  test('whoever is past the gate makes room for nobody; where all are, the next is turned away', () => {
    const { come, turnedAway } = door(3, 2)
    const [one, two, other] = ['a', 'a', 'b'].map((address) => come(address)!)
    one!.known()
    two!.known()
    expect(come('a')).toBeUndefined()
    expect(come('c')).toBeDefined()
    expect(turnedAway).toEqual([3])
    expect(other!.open).toBe(false)
    expect(come('a')).toBeUndefined()
    one!.leave()
    expect(come('a')).toBeDefined()
  })
})

test('whoever was turned away gives nothing back when its end is noticed', () => {
  const { come } = door(2, 2)
  const [turnedAway, ...others] = ['a', 'b', 'c'].map((address) => come(address)!)
  for (const visit of others) visit.known()
  turnedAway!.leave()
  turnedAway!.leave()
  expect(come('d')).toBeUndefined()
})

interface Guest {
  readonly address: string
  known: boolean
  turnedAway: number
  visit?: Visit | undefined
}

test('the caps hold whoever comes, goes and is known in whatever order, and a place is given back once', () => {
  const act = fc.record({ who: fc.nat(5), does: fc.constantFrom('come', 'come', 'known', 'leave', 'leave') })
  const [most, each] = [6, 3]
  const property = fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
    const admission = new Admission({ mostHandshakes: most, mostHandshakesPerAddress: each })
    const guests: Guest[] = []
    const wrong: string[] = []
    for (const { who, does } of acts) {
      const address = `10.0.0.${who}`
      const inside = guests.filter(({ visit }) => visit!.open)
      const own = inside.filter((guest) => guest.address === address)
      if (does === 'come') {
        const guest: Guest = { address, known: false, turnedAway: 0 }
        guest.visit = admission.enter(address, () => (guest.turnedAway += 1))
        const inTheWay = own.length === each ? own : inside.length === most ? inside : []
        const mayEnter = inTheWay.length === 0 || inTheWay.some(({ known }) => !known)
        if ((guest.visit !== undefined) !== mayEnter) wrong.push(mayEnter ? 'kept out' : 'let in')
        if (guest.visit) guests.push(guest)
      } else if (does === 'known') {
        for (const guest of own.slice(0, 1)) {
          guest.known = true
          guest.visit!.known()
        }
      } else {
        // One that was turned away leaves as well, later: as a connection's end is noticed.
        for (const guest of guests.filter((guest) => guest.address === address).slice(0, 2)) guest.visit!.leave()
      }
      const open = guests.filter(({ visit }) => visit!.open)
      if (open.length > most) wrong.push('too many in all')
      if (open.some((guest) => open.filter(({ address }) => address === guest.address).length > each)) wrong.push('too many')
      if (guests.some(({ turnedAway, known, visit }) => turnedAway > (known || visit!.open ? 0 : 1))) wrong.push('turned away')
    }
    expect(wrong).toEqual([])
  })
  fc.assert(property)
})

test('an IPv6 /64 is one network, and so is an IPv4 address, mapped or not', () => {
  expect(networkOf('2001:db8:1:2:3::4')).toBe(networkOf('2001:db8:1:2::ffff'))
  expect(networkOf('2001:db8:1:2::1')).not.toBe(networkOf('2001:db8:1:3::1'))
  expect(networkOf('fe80::1%eth0')).toBe(networkOf('fe80::2'))
  expect(networkOf('::ffff:10.0.0.1')).toBe('10.0.0.1')
  expect(networkOf('10.0.0.1')).not.toBe(networkOf('10.0.0.2'))
})

describe('a server', () => {
  test('at a full door closes the oldest silent connection, without a byte, and lets in who knows its key', async () => {
    const shed: string[] = []
    const onOverload = (address: string): void => void shed.push(address)
    const running = await serve({ mostHandshakesPerAddress: 2, onOverload })
    const silent = [await silentOne(running.server.port), await silentOne(running.server.port)]
    expect((await (await dial(running)).send('past them')).outcome).toBe('received')
    expect((await silent[0]!.gone).length).toBe(0)
    expect([silent[1]!.open(), shed, running.rejected]).toEqual([true, ['127.0.0.1'], []])
  })

  test('takes a HELLO that is said again for a stranger’s: it gets no byte, and makes room for who comes', async () => {
    const shed: string[] = []
    const onOverload = (address: string): void => void shed.push(address)
    let hellos = 0
    const trace = ({ sent, frame }: TraceEvent): void => {
      if (!sent && frame === 'HELLO') hellos += 1
    }
    const running = await serve({ mostHandshakesPerAddress: 2, onOverload, trace })
    const hello = machines({ client: { identity: alice }, server: { identities: [bob] } }).client.sent[0]!
    const first = await silentOne(running.server.port, hello)
    await vi.waitFor(() => expect(Buffer.concat(first.heard).length).toBe(ANSWER), patiently)
    const again = await silentOne(running.server.port, hello)
    await vi.waitFor(() => expect(hellos).toBe(2), patiently)
    expect((await (await dial(running)).send('past a recording')).outcome).toBe('received')
    expect((await again.gone).length).toBe(0)
    expect([first.open(), shed]).toEqual([true, ['127.0.0.1']])
  })

  test('answers a HELLO that is said again as long as there is room for all: it costs one handshake', async () => {
    const running = await serve({ mostHandshakesPerAddress: 16 })
    const hello = machines({ client: { identity: alice }, server: { identities: [bob] } }).client.sent[0]!
    const said = [await silentOne(running.server.port, hello), await silentOne(running.server.port, hello)]
    for (const each of said) await vi.waitFor(() => expect(Buffer.concat(each.heard).length).toBe(ANSWER), patiently)
    expect(Buffer.concat(said[0]!.heard)).not.toEqual(Buffer.concat(said[1]!.heard))
  })

  test('closes the newest connection where all others are past the gate, says so, and takes one again when there is room', async () => {
    const shed: string[] = []
    const onOverload = (address: string): void => void shed.push(address)
    const running = await serve({ mostHandshakesPerAddress: 2, onOverload })
    const stalled = [await stalledClient(running.server.port), await stalledClient(running.server.port)]
    await expect(dial(running)).rejects.toMatchObject({ code: 'TRUNCATED' })
    expect(shed).toEqual(['127.0.0.1'])
    stalled[0]!.abort()
    await vi.waitFor(() => expect(running.rejected.length).toBe(1), patiently)
    expect((await (await dial(running)).send('now')).outcome).toBe('received')
  })
})

interface Silent {
  /** What it hears, as it comes; */
  readonly heard: readonly Buffer[]
  /** all of that, once it is ended. */
  readonly gone: Promise<Buffer>
  open(): boolean
}

/** Connects, and says nothing, or this and nothing more. */
async function silentOne(port: number, words?: Uint8Array): Promise<Silent> {
  const socket = createConnection({ port, host: '127.0.0.1' }).on('error', () => {})
  onTestFinished(() => void socket.destroy())
  const heard: Buffer[] = []
  socket.on('data', (chunk: Buffer) => heard.push(chunk))
  const gone = new Promise<Buffer>((resolve) => socket.once('close', () => resolve(Buffer.concat(heard))))
  await new Promise((resolve) => socket.once('connect', resolve))
  if (words !== undefined) socket.write(words)
  return { heard, gone, open: () => !socket.destroyed }
}

/** A client that gets its HELLO+ACK, and never answers. */
async function stalledClient(port: number): Promise<AbortController> {
  const abort = new AbortController()
  onTestFinished(() => abort.abort())
  const { promise, resolve } = Promise.withResolvers<void>()
  const trace = ({ sent, frame }: TraceEvent): void => {
    if (!sent && frame === 'HELLO+ACK') resolve()
  }
  const own = { publicKey: alice.publicKey, sign: () => new Promise<never>(() => {}) }
  connect({ host: '127.0.0.1', port, identity: own, peer: bob.publicKey, trace, signal: abort.signal }).catch(() => {})
  await promise
  return abort
}
