/** What the compiler refuses: `@ts-expect-error` is an error itself where there is none to expect. */
import { expect, test } from 'vitest'
import type { TrafficSecrets } from '../../src/handshake/key-schedule.ts'
import type { Established, VerifiedPeer } from '../../src/handshake/peer.ts'
import type { Peer } from '../../src/handshake/step.ts'
import * as protocol from '../../src/protocol.ts'
import * as surface from '../../src/index.ts'
import { establish } from '../harness/handshake.ts'
import { freshSigner } from '../harness/signer.ts'

const { publicKey } = freshSigner()

test('a VerifiedPeer is made by verification alone: a pinned peer is none, nor is one with a key beside it', () => {
  const peer: Peer = { keys: [publicKey] }
  // @ts-expect-error a peer that is pinned has proved nothing
  const pinned: VerifiedPeer = peer
  // @ts-expect-error a key beside it proves nothing either
  const withKey: VerifiedPeer = { ...peer, key: publicKey }
  const take = ({ peer: verified }: Pick<Established, 'peer'>): VerifiedPeer => verified
  // @ts-expect-error nor where one is asked for
  take({ peer: { keys: [publicKey], key: publicKey } })
  const proved = establish().client.peer
  // @ts-expect-error a copy of one that has proved itself, with another key in its place, has not
  // oxlint-disable-next-line typescript/no-misused-spread -- the compiler refuses it too, which is what is shown
  const withAnother: VerifiedPeer = { ...proved, key: publicKey }
  // @ts-expect-error nor has a copy with all that it had
  // oxlint-disable-next-line typescript/no-misused-spread -- the compiler refuses it too, which is what is shown
  const copied: VerifiedPeer = { ...proved }
  expect([pinned, withKey, withAnother].every(({ keys }) => keys.length === 1)).toBe(true)
  expect([take({ peer: proved }).key.algorithm, copied.key]).toEqual(['ed25519', undefined])
})

test('TrafficSecrets are made by a finished schedule alone', () => {
  const bytes = new Uint8Array(32)
  const secrets = { client: bytes, server: bytes, sessionId: bytes }
  // @ts-expect-error three secrets are not a schedule
  const made: TrafficSecrets = secrets
  const options = { role: 'client', secrets, mayReceive: true, now: 0 } as const
  // @ts-expect-error nor can a session be made of them
  const session = new protocol.Session(options)
  expect([made.client, session.closeSent]).toEqual([bytes, false])
})

test('neither verification nor schedule is exported', () => {
  const names = [...Object.keys(surface), ...Object.keys(protocol)]
  expect(names).toEqual(expect.arrayContaining(['connect', 'clientHandshake', 'serverHandshake', 'Session']))
  expect(names.filter((name) => /VerifiedPeer|verifyPeer|trafficSecrets|handshakeSecrets|masterSecret/.test(name))).toEqual([])
})
