/** From the X-Wing secret to the traffic secrets (protocol sections 4 and 6). */
import { wipe } from '../bytes.ts'
import { type AeadKey, aeadKey, wipeKey } from '../crypto/aead.ts'
import { domainHash, extract, label } from '../crypto/hash.ts'
import type { Observer } from './step.ts'

const nothing = new Uint8Array(0)

/** Keys of one side for the handshake's own frames. */
export interface HandshakeKeys {
  readonly aead: AeadKey
  readonly finished: Uint8Array
}

export interface HandshakeSecrets {
  readonly hs: Uint8Array
  readonly server: HandshakeKeys
  readonly client: HandshakeKeys
}

/** hs = Extract(salt t2k, ss), and each side's keys; ss is wiped. */
export function handshakeSecrets(t2k: Uint8Array, ss: Uint8Array, observe: Observer): HandshakeSecrets {
  const hs = extract(t2k, ss)
  observe('ss', ss)
  observe('hs', hs)
  wipe(ss)
  const side = (name: 'server' | 'client', short: string): HandshakeKeys => {
    const secret = label(hs, `${name} handshake`, t2k, 32)
    observe(short, secret)
    const keys = { aead: aeadKey(secret), finished: label(secret, 'finished', nothing, 32) }
    wipe(secret)
    return keys
  }
  return { hs, server: side('server', 'sHs'), client: side('client', 'cHs') }
}

export function wipeHandshake({ hs, server, client }: HandshakeSecrets): void {
  wipe(hs, server.finished, client.finished)
  wipeKey(server.aead)
  wipeKey(client.aead)
}

/** master = Extract(salt Label(hs, "derived", t3, 32), sessionKey). */
export function masterSecret(hs: Uint8Array, t3: Uint8Array, sessionKey: Uint8Array): Uint8Array {
  const salt = label(hs, 'derived', t3, 32)
  const master = extract(salt, sessionKey)
  wipe(salt)
  return master
}

/** The key of `confirm`: Label(master, "confirm", t3, 32). */
export function confirmKey(master: Uint8Array, t3: Uint8Array): Uint8Array {
  return label(master, 'confirm', t3, 32)
}

declare const finished: unique symbol

/** The first traffic secret of each direction, and the session's name for logs. Only a finished schedule makes one. */
export interface TrafficSecrets {
  readonly [finished]: true
  readonly client: Uint8Array
  readonly server: Uint8Array
  readonly sessionId: Uint8Array
}

/** cAp, sAp and sessionId; master is wiped. */
export function trafficSecrets(master: Uint8Array, t4: Uint8Array, observe: Observer): TrafficSecrets {
  const client = label(master, 'client traffic', t4, 32)
  const server = label(master, 'server traffic', t4, 32)
  const sessionId = domainHash('session id', t4)
  observe('cAp', client)
  observe('sAp', server)
  observe('sessionId', sessionId)
  wipe(master)
  return { client, server, sessionId } as TrafficSecrets
}
