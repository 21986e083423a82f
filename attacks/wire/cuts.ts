import { concat, copy, KIND, random, RecordOpener, Sealer } from '@countersign/core/protocol'
import { type Attack, Cases } from '../harness/attack.ts'
import { framesOf, pair } from '../harness/memory.ts'
import { honestly, middle, type Way } from '../harness/proxy.ts'

export const attack: Attack = {
  title: 'Somebody cuts the connection',
  tries:
    'a handshake and a record cut after every one of their bytes, in memory: nobody may think that they are done; and over sockets in every frame of a session with two messages: no receipt without its message stored, and none stored twice.',
  plainDesignLoses: 'the end of what was said: without a CLOSE that is sealed a cut looks like an end, and a half like a whole.',
  async run(ground) {
    const cases = new Cases()
    const made = pair()
    const { frames, client, server } = framesOf(made)
    for (const [name, side, heard] of [
      ['the client', made.client, Buffer.concat([frames[1]!, frames[3]!])],
      ['the server', made.server, Buffer.concat([frames[0]!, frames[2]!])],
    ] as const) {
      const [first] = [name === 'the client' ? frames[1]!.length : frames[0]!.length]
      // One side is fed byte by byte, which is every cut at once: at each byte it must still be waiting.
      const slow = side()
      for (let at = 0; at < heard.length; at++) {
        cases.attempt(`${name}, cut at byte ${at}`, slow.state, 'waits')
        if (slow.sent.length > (name === 'the client' ? 1 : 0) + (at >= first ? 1 : 0))
          cases.fault(`${name} spoke before its turn`)
        slow.feed(heard.subarray(at, at + 1))
      }
      cases.control(`${name} is done with the last byte, and not before`, slow.state, 'done')
    }

    const record = concat(...new Sealer(copy(client.secrets.client)).record(KIND['MESSAGE-END'], [random(300)]))
    const opener = new RecordOpener(copy(server.secrets.client))
    for (let at = 0; at < record.length; at++) {
      const { record: opened } = opener.take(record.subarray(at, at + 1))
      if (at === record.length - 1)
        cases.control('the record opens with its last byte, and not before', String(opened?.length), '300')
      else cases.attempt(`a record, cut behind byte ${at}`, opened === undefined ? 'waits' : 'opened', 'waits')
    }

    const ways: readonly Way[] = ['to server', 'to client']
    const cuts = ways.flatMap((way) => [0, 1, 2, 3, 4].flatMap((index) => [0, 5, -1].map((bytes) => ({ way, index, bytes }))))
    await Promise.all(
      cuts.map(async ({ way, index, bytes }, i) => {
        const text = `cut ${i}`
        let over = false
        await using between = await middle(ground.port, (on, at, frame) => {
          if (over) return []
          if (on !== way || at !== index) return [frame]
          over = true
          setTimeout(() => void between[Symbol.asyncDispose](), 50)
          return [frame.subarray(0, bytes < 0 ? frame.length + bytes : bytes)]
        })
        const ended = await honestly(ground, between.port, [text], { handshakeWithin: 6_000 })
        const stored = ended === 'receipt' ? await ground.storedSoon(text) : ground.stored(text)
        const told = ended === 'receipt' && stored !== 1 ? 'a receipt for nothing' : ended
        cases.attempt(
          `${way}, frame ${index}, byte ${bytes}`,
          stored > 1 ? 'stored twice' : told,
          'TRUNCATED',
          'no answer',
          'receipt',
        )
      }),
    )
    await using between = await middle(ground.port)
    cases.control('the same session uncut ends with its receipt', await honestly(ground, between.port, ['uncut']), 'receipt')
    return cases
  },
}
