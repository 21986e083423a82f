import { describe, expect, test } from 'vitest'
import { random } from '../../src/crypto/hash.ts'
import { Heard, REMEMBERED } from '../../src/handshake/heard.ts'
import { type Machines, machines } from '../harness/handshake.ts'
import { freshSigner } from '../harness/signer.ts'

const identity = freshSigner()

/** A client, and a server that remembers what the others of these have heard. */
function fresh(heard: Heard): Machines {
  return machines({ server: { identities: [identity], heard: (gate) => heard.again(gate) } })
}

describe('a server that has heard a HELLO', () => {
  test('rejects it as it rejects a stranger’s when it is said again, and takes the next of the same client', () => {
    const heard = new Heard()
    const [first, second, next] = [fresh(heard), fresh(heard), fresh(heard)]
    const hello = first.client.sent[0]!
    first.server.feed(hello)
    second.server.feed(hello)
    next.server.feed(next.client.sent[0]!)
    expect([first.server.outcome, first.server.sent.length]).toEqual(['waiting', 1])
    expect([second.server.outcome, second.server.sent.length, second.server.asked]).toEqual(['HELLO_REJECTED', 0, [4, 1288]])
    expect([next.server.outcome, next.server.sent.length]).toEqual(['waiting', 1])
  })

  test('does not remember one whose gate does not hold', () => {
    const seen: Uint8Array[] = []
    const remember = (gate: Uint8Array): boolean => seen.push(gate) === 0
    const { client, server } = machines({ server: { identities: [identity], heard: remember } })
    const hello = client.sent[0]!
    server.feed(hello.with(100, hello[100]! ^ 1))
    expect([server.outcome, seen]).toEqual(['HELLO_REJECTED', []])
  })
})

describe('what is remembered', () => {
  test('are the last HELLOs at the least, and twice as many at the most', () => {
    const heard = new Heard()
    const gates = Array.from({ length: 2 * REMEMBERED }, () => random(32))
    expect(gates.filter((gate) => heard.again(gate))).toEqual([])
    expect(heard.again(gates.at(-1)!)).toBe(true)
    expect(heard.again(gates[REMEMBERED]!)).toBe(true)
    expect(heard.again(gates[REMEMBERED - 1]!)).toBe(false)
  })

  test('stays as long as it is said again', () => {
    const heard = new Heard()
    const recorded = random(32)
    heard.again(recorded)
    const forgotten: number[] = []
    for (let i = 1; i < 4 * REMEMBERED; i++) {
      heard.again(random(32))
      if (i % 1000 === 0 && !heard.again(recorded)) forgotten.push(i)
    }
    expect(forgotten).toEqual([])
  })
})
