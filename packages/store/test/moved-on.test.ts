/** Outbox ids that are given up: a server announces one to all its clients. */
import { generatePrivateKey, type Peer } from '@countersign/core'
import { hex, NO_POSITION, random } from '@countersign/core/protocol'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openOutbox, type OutboxNotice } from '../src/index.ts'
import { OutboxTables } from '../src/outbox-tables.ts'
import { bob, folder } from './parties.ts'

function tables(file = folder()('outbox')): OutboxTables {
  const own = new OutboxTables(file)
  onTestFinished(() => own.close())
  return own
}

const [toAmy, toBen] = [generatePrivateKey(), generatePrivateKey()].map(({ publicKey }): Peer => ({ keys: [publicKey] })) as [
  Peer,
  Peer,
]
const [amy, ben] = [toAmy.keys[0]!.id, toBen.keys[0]!.id]

/** A session in which this receiver says that it stands further on than anything that was sent. */
function ahead(own: OutboxTables, receiver: Uint8Array, outbox: Uint8Array): string | undefined {
  return own.reconcile({ receiver, outbox, journal: random(16), next: 1000, mark: 0 }).found
}

describe('of several receivers that are ahead at one outbox id', () => {
  test('the first has a fresh one taken, and the others follow there', () => {
    const own = tables()
    const before = own.mainId()
    expect([ahead(own, amy, before), ahead(own, ben, before)]).toEqual(['OUTBOX_BEHIND', 'OUTBOX_BEHIND'])
    const after = own.mainId()
    expect(hex(after)).not.toBe(hex(before))
    expect([amy, ben].map((receiver) => hex(own.place(receiver).outbox))).toEqual([hex(after), hex(after)])
  })

  test('one that is ahead there too has another one taken', () => {
    const own = tables()
    ahead(own, amy, own.mainId())
    const second = own.mainId()
    ahead(own, amy, second)
    const third = own.mainId()
    expect(new Set([hex(second), hex(third)]).size).toBe(2)
    expect(hex(own.place(amy).outbox)).toBe(hex(third))
  })

  test('none follows to an id that was there when the outbox was opened: it may be an older copy, and have sent there', () => {
    const file = folder()('outbox')
    const before = tables(file)
    const first = before.mainId()
    ahead(before, amy, first)
    const own = tables(file)
    const second = own.mainId()
    ahead(own, ben, first)
    expect([hex(first), hex(second)]).not.toContain(hex(own.place(ben).outbox))
  })
})

test('what another receiver has no receipt for at an id that is given up is told of: it may arrive twice', async () => {
  const notices: OutboxNotice[] = []
  await using outbox = await openOutbox(folder()('outbox'), { identity: bob, onNotice: (notice) => notices.push(notice) })
  const { receipt } = await outbox.enqueue(toBen, 'on its way')
  receipt.catch(() => {})
  const begin = async (to: Peer, next: number): Promise<void> =>
    outbox.begin(to, { outbox: await outbox.idFor(), journal: random(16), position: { ...NO_POSITION, next } })
  await begin(toBen, 1)
  await begin(toAmy, 1000)
  await begin(toBen, 1)
  await begin(toBen, 1)
  expect(notices.map(({ code, to, resigned }) => [code, to, resigned])).toEqual([
    ['OUTBOX_BEHIND', toAmy, []],
    ['OUTBOX_MOVED', toBen, [{ serial: 1, count: 1 }]],
  ])
})
