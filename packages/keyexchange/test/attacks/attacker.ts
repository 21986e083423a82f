/** What an attacker on the network, or one who has learnt a code, can do: sockets and frames of their own. */
import { generatePrivateKey, identity, type PrivateKey, type PublicKey } from '@countersign/core'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { dialSwap } from '../../src/swap/dial.ts'
import type { Swapped } from '../../src/swap/step.ts'
import { filesIn } from '../program.ts'

export interface FalseOffer {
  readonly code: string
  readonly port: number
  readonly name?: string
  /** Offered instead of a key of the attacker's own */
  readonly publicKey?: PublicKey
  /** Signs the offer */
  readonly privateKey?: PrivateKey
  readonly sign?: (message: Uint8Array) => Uint8Array
  readonly decide?: () => boolean | Promise<boolean>
}

/** Dials with the right code and offers what should not be trusted. */
export function offerFalsely({
  code,
  port,
  name = 'mallory',
  privateKey = generatePrivateKey(),
  ...rest
}: FalseOffer): Promise<Swapped> {
  const own = identity(privateKey)
  return dialSwap({
    host: '127.0.0.1',
    port,
    code,
    party: {
      identity: { publicKey: rest.publicKey ?? own.publicKey, sign: rest.sign ?? own.sign },
      name,
      decide: rest.decide ?? (() => true),
      save: () => {},
    },
    signal: AbortSignal.timeout(20_000),
  })
}

export async function dialRaw(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => {})
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** A server of the attacker's own on loopback. */
export async function serveRaw(onConnection: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {})
    onTestFinished(() => void socket.destroy())
    onConnection(socket)
  })
  onTestFinished(() => void server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

export type Direction = 'dialer' | 'listener'

/** Sees each frame on its way, and answers what goes on; undefined cuts the connection, both ways. */
export type Relay = (frame: Buffer, from: Direction, index: number) => Uint8Array | undefined

/** A man in the middle between a dialer and the listener at `target`. */
export async function relay(target: number, between: Relay): Promise<{ port: number; dials(): number }> {
  let dials = 0
  let index = 0
  const { port } = await serveRaw((dialer) => {
    dials++
    const listener = connect({ port: target, host: '127.0.0.1', noDelay: true })
    listener.on('error', () => {})
    const pass = (from: Socket, to: Socket, direction: Direction): void => {
      let held = Buffer.alloc(0)
      from.on('data', (bytes: Buffer) => {
        held = Buffer.concat([held, bytes])
        while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
          const length = 2 + held.readUInt16BE(0)
          const passed = between(held.subarray(0, length), direction, index++)
          held = held.subarray(length)
          if (passed) to.write(passed)
          else for (const socket of [dialer, listener]) socket.destroy()
        }
      })
      from.on('end', () => to.end())
      from.on('close', () => to.destroySoon())
    }
    pass(dialer, listener, 'dialer')
    pass(listener, dialer, 'listener')
  })
  return { port, dials: () => dials }
}

/** The peers that a home trusts. */
export function peersOf(root: string, role: 'server' | 'client'): string[] {
  const folder = join(root, role, 'peers')
  return existsSync(folder) ? filesIn(folder) : []
}
