import { random, xwing } from '@countersign/core/protocol'
import type { Socket } from 'node:net'
import { type Attack, Cases } from '../harness/attack.ts'
import { Ground, type Session } from '../harness/ground.ts'
import { gateOf } from '../harness/handshake.ts'
import type { Line } from '../harness/line.ts'
import { alive, descriptorsOf, pause, settled } from '../harness/process.ts'

type End = 'end' | 'destroy' | 'reset'
const ends: readonly End[] = ['end', 'destroy', 'reset']

function finish(line: Line, how: End): void {
  const socket = line.stream as Socket
  if (how === 'end') socket.end()
  else if (how === 'destroy') socket.destroy()
  else socket.resetAndDestroy()
}

/** How far a connection goes before it ends. */
const stages: readonly (readonly [string, (ground: Ground) => Promise<Line>])[] = [
  ['at once', (ground) => ground.dial()],
  ['after half a header', async (ground) => said(await ground.dial(), Uint8Array.of(1, 0))],
  ['in the middle of HELLO', async (ground) => said(await ground.dial(), Uint8Array.of(1, 0, 5, 8), random(600))],
  ['after a HELLO with a wrong gate', async (ground) => said(await ground.dial(), Uint8Array.of(1, 0, 5, 8), random(1288))],
  ['after a HELLO whose X-Wing key is none', async (ground) => said(await ground.dial(), helloFor(ground))],
  ['before its ACK', answered],
  ['before its first record', async (ground) => (await ground.enter()).session.line],
  [
    'in the middle of a record',
    (ground) => inSession(ground, ({ session }) => session.line.write(session.sealed('PING', random(8)).subarray(0, 11))),
  ],
  [
    'in the middle of an envelope',
    (ground) =>
      inSession(ground, async (entered) =>
        entered.session.send('MESSAGE', (await ground.messageOf(entered, 'cut off')).subarray(0, 120)),
      ),
  ],
  [
    'while its message is stored',
    (ground) => inSession(ground, async (entered) => entered.session.envelope(await ground.messageOf(entered, 'cut off'))),
  ],
  ['right behind CLOSE', (ground) => inSession(ground, ({ session }) => session.send('CLOSE', new Uint8Array(5)))],
]

function said(line: Line, ...bytes: readonly Uint8Array[]): Line {
  line.write(...bytes)
  return line
}

function helloFor(ground: Ground, kemPublic: Uint8Array = random(1216)): Uint8Array {
  const start = [Uint8Array.of(1, 0, 5, 8), Buffer.from('CSGN\x01\0\0\0', 'latin1')]
  const hello = Buffer.concat([...start, random(32), kemPublic, random(32)])
  hello.set(gateOf(ground.publicKey.id, hello.subarray(0, -32)), hello.length - 32)
  return hello
}

/** A connection that has been sent its HELLO+ACK. */
async function answered(ground: Ground): Promise<Line> {
  const line = said(await ground.dial(), helloFor(ground, xwing.generate().publicKey))
  await line.frame()
  return line
}

async function inSession(ground: Ground, act: (entered: Session) => void | Promise<void>): Promise<Line> {
  const entered = await ground.enter()
  await entered.session.alive()
  await act(entered)
  return entered.session.line
}

export const attack: Attack = {
  title: 'Connections that end in every way at every moment, for the server',
  tries:
    'FIN, destroy and RST at eleven stages of a connection, several times over: the process lives, keeps no descriptor, and prints no fault of its own.',
  plainDesignLoses: 'its process: one error event that nobody listens to, or one promise that nobody awaits, ends it for all.',
  alone: true,
  async run({ full }) {
    const cases = new Cases()
    await using ground = await Ground.open()
    await ground.stillServes()
    await pause(500)
    const before = descriptorsOf(ground.pid)
    for (let round = 0; round < (full ? 30 : 3); round++) {
      for (const how of ends) {
        await Promise.all(
          stages.map(async ([, reach]) => {
            const line = await reach(ground)
            finish(line, how)
          }),
        )
        for (const [stage] of stages) cases.attempt(`${how} ${stage}`, alive(ground.pid) ? 'it lives' : 'it died', 'it lives')
      }
    }
    await settled(ground.pid, before)
    const after = descriptorsOf(ground.pid)
    cases.attempt('descriptors left', after <= before ? 'none' : String(after - before), 'none')
    const strange = ground.server.stderr
      .split('\n')
      .filter((line) => /internal|unhandled|a fault in this program|TypeError|at .*\.ts:/i.test(line))
    cases.attempt('faults of its own that it printed', strange[0] ?? 'none', 'none')
    cases.control('an honest client is still served', String((await ground.stillServes()).number), '1')
    return cases
  },
}
