import { Sandbox } from '@countersign/testing'
import { createCipheriv, createHash, createHmac, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fieldsOf, lacking, type Recorded, recordSessions, tshark } from './capture.ts'

const why = parseInt(process.version.slice(1)) < 26 ? 'it is the same on every Node' : lacking()
if (why !== undefined) console.log(`the dissector in tshark: skipped, because ${why}`)

const TEXT = 'an unlikely word'

describe.skipIf(why !== undefined)('the dissector in tshark', () => {
  const sandbox = new Sandbox()
  let recorded: Recorded
  let withLog: string[]

  beforeAll(async () => {
    recorded = await recordSessions(sandbox, TEXT)
    withLog = ['-o', `countersign.keylog:${recorded.keyLog}`]
  })
  afterAll(() => sandbox[Symbol.asyncDispose]())

  /** What the list of packets says, of one connection. */
  const lists = new Map<string, string[][]>()
  const told = (words: readonly string[], stream: number): string[] => {
    const name = words.join(' ')
    const rows = lists.get(name) ?? fieldsOf(recorded.capture, words, ['tcp.stream', '_ws.col.Info'])
    lists.set(name, rows)
    return rows.filter(([of]) => of === String(stream)).flatMap(([, info]) => info!.replace(/\[.*?\] ?/g, '').split(', '))
  }

  const HANDSHAKE = ['HELLO', 'HELLO+ACK', 'ACK', 'SESSION-KEY']

  test('names what everybody can see, on any port; and nothing more', () => {
    const [first, ...records] = [told([], 0).slice(0, 4), ...told([], 0).slice(4)]
    expect(first).toEqual(HANDSHAKE)
    expect(new Set(records)).toEqual(new Set(['RECORD']))
    const all = tshark(recorded.capture, '-V', '-O', 'countersign')
    expect(all).toMatch(/Magic: CSGN[\s\S]*X-Wing key: ML-KEM-768: [0-9a-f]+[\s\S]*Gate: [0-9a-f]{64}/)
    expect(all).not.toMatch(/Opened|keyId|unlikely/)
  })

  test('opens a session of the real programs with the key log that they wrote', () => {
    const [hello, ...rest] = told(withLog, 0)
    expect([hello, ...rest.slice(0, 3)]).toEqual([...HANDSHAKE.slice(0, 3), 'SESSION-KEY accepted'])
    expect(rest.slice(3)).toEqual(expect.arrayContaining(['PING', 'PONG', 'MESSAGE-END #1', 'RECEIPT #1 stored', 'CLOSE done']))
    const all = tshark(recorded.capture, ...withLog, '-V', '-O', 'countersign', '-Y', 'tcp.stream == 0')
    expect(all).toMatch(/keyId: [0-9a-f]{64} {2}sha256\/\/[A-Za-z0-9+/]{43}=/)
    expect(all).toMatch(/Attribute: content-type[\s\S]*Value: text\/plain[\s\S]*Body: [0-9a-f]+ {2}an unlikely word/)
    expect(all).toMatch(/Outcome: stored \(1\)\n.*Received at: .*\n.*Journal: [0-9a-f]{32}\n.*Index: 1\n.*Chain: [0-9a-f]{64}/)
    expect(all).not.toContain('does not open')
  })

  test('puts records together that TCP has cut, and knows which of them begin an envelope', () => {
    const records = told(withLog, 1).filter((name) => name.startsWith('MESSAGE'))
    expect(records).toEqual(['MESSAGE #2', 'MESSAGE', 'MESSAGE', 'MESSAGE-END'])
    const bodies = fieldsOf(recorded.capture, [...withLog, '-2'], ['tcp.stream', 'countersign.item.body', 'countersign.part'])
    const bytes = bodies
      .filter(([stream]) => stream === '1')
      .flatMap(([, ...parts]) => parts.join('').replaceAll(',', '').length / 2)
    expect(bytes.reduce((sum, length) => sum + length, 0)).toBe(200_000)
  })

  test('follows the keys as they change, both ways, with RSA and ML-DSA identities; and does so again in a second pass', () => {
    const expected = (way: RegExp): unknown => expect.arrayContaining([expect.stringMatching(way)])
    for (const pass of [[], ['-2']]) {
      const names = told([...withLog, ...pass], 2)
      expect(names.filter((name) => name === 'KEY-UPDATE').length).toBeGreaterThanOrEqual(4)
      for (const number of [1, 2, 3]) {
        expect(names.filter((name) => name === `MESSAGE-END #${number}`)).toHaveLength(2)
        expect(names.filter((name) => name === `RECEIPT #${number} received`)).toHaveLength(2)
      }
      expect(names).toEqual(expected(/^CLOSE done$/))
      expect(names).not.toContain('RECORD')
    }
  })

  test('says so where the key log is not of this session', () => {
    const other = join(sandbox.folder, 'other')
    writeFileSync(other, readFileSync(recorded.keyLog, 'utf8').replaceAll(/ [0-9a-f]{64} /g, ` ${'0'.repeat(64)} `))
    const all = tshark(recorded.capture, '-o', `countersign.keylog:${other}`, '-V', '-O', 'countersign')
    expect(all).toContain('The key log does not open this')
    expect(all).not.toContain('Opened')
  })

  test('its AES-256-GCM, SHA-256 and HMAC are those of Node, for every length around a block', () => {
    const lengths = [0, 1, 15, 16, 17, 31, 32, 33, 55, 56, 63, 64, 65, 1000, 65_537]
    const cases = lengths.map((length) => {
      const [key, nonce, associated, plain] = [randomBytes(32), randomBytes(12), randomBytes(4), randomBytes(length)]
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      cipher.setAAD(associated)
      const body = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
      const digest = createHash('sha256').update(plain).digest()
      const mac = createHmac('sha256', body).update(plain).digest()
      return [key, nonce, associated, plain, body, digest, mac].map((bytes) => `unhex '${bytes.toString('hex')}'`)
    })
    const script = join(sandbox.folder, 'cases.lua')
    const body = `local crypto = dofile '${join(import.meta.dirname, '../countersign-crypto.lua')}'
      local function unhex(text) return (text:gsub('..', function(pair) return string.char(tonumber(pair, 16)) end)) end
      for _, case in ipairs { ${cases.map((fields) => `{ ${fields.join(', ')} }`).join(', ')} } do
        local key, nonce, associated, plain, body, digest, mac = table.unpack(case)
        local open = crypto.aesGcm(key)
        local changed = body:sub(1, -2) .. string.char((body:byte(-1) + 1) % 256)
        print(#plain, open(nonce, associated, body) == plain, open(nonce, associated, changed) == nil,
          crypto.sha256(plain) == digest, crypto.hmac(body, plain) == mac)
      end`
    writeFileSync(script, body)
    const printed = tshark(recorded.capture, '-X', `lua_script:${script}`, '-c', '1')
    const rows = printed.split('\n').filter((line) => /\t(true|false)/.test(line))
    expect(rows).toEqual(lengths.map((length) => [length, true, true, true, true].join('\t')))
  })
})
