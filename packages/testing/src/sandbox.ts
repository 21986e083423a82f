/** Homes of keys in a temporary folder. The file system is the trust store, so a home is a few files. */
import { generatePrivateKey, type PrivateKey, privateKeyPem, publicKeyPem } from '@countersign/core'
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Program, type Running, start } from './process.ts'

export type KeyType = 'ed25519' | 'rsa' | 'ml-dsa-65'

/** The home of one role under a root of its own. */
export interface Home {
  readonly name: string
  readonly role: 'server' | 'client'
  /** For --root and COUNTERSIGN_HOME */
  readonly root: string
  /** The home's folder */
  readonly folder: string
  readonly key: PrivateKey
}

export class Sandbox implements AsyncDisposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'countersign-'))
  readonly #running: Running[] = []
  #pairs = 0

  /** Makes a home with a fresh key. */
  home(role: Home['role'], name: string = role, type: KeyType = 'ed25519'): Home {
    const root = join(this.folder, name)
    const folder = join(root, role)
    const key = generatePrivateKey(type)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeFileSync(join(folder, 'identity.pem'), `name: ${name}\n${privateKeyPem(key)}`, { mode: 0o600 })
    writeFileSync(join(folder, 'identity.pub.pem'), `name: ${name}\n${publicKeyPem(key.publicKey)}`, { mode: 0o644 })
    for (const sub of ['peers', 'revoked']) mkdirSync(join(folder, sub), { mode: 0o755 })
    return { name, role, root, folder, key }
  }

  /** Lets a home trust another one's key, by dropping its PEM file there. */
  trust(home: Home, peer: Home, address?: string): void {
    const about = address === undefined ? '' : `address: ${address}\n`
    writeFileSync(join(home.folder, 'peers', `${peer.name}.pem`), about + publicKeyPem(peer.key.publicKey), { mode: 0o644 })
  }

  /** Marks a peer's key as revoked in a home. */
  revoke(home: Home, peer: Home): void {
    const file = `${peer.name}.pem`
    renameSync(join(home.folder, 'peers', file), join(home.folder, 'revoked', file))
  }

  /** A server's and a client's home that trust each other, and nobody else. */
  pair(type: KeyType = 'ed25519'): { readonly server: Home; readonly client: Home } {
    this.#pairs += 1
    const server = this.home('server', `server-${this.#pairs}`, type)
    const client = this.home('client', `client-${this.#pairs}`, type)
    this.trust(server, client)
    this.trust(client, server)
    return { server, client }
  }

  /** Starts a program that is killed with the sandbox, where it still runs then. */
  start(program: Program, words: readonly string[], home: Pick<Home, 'root'>): Running {
    const running = start(program, words, home)
    this.#running.push(running)
    return running
  }

  /** Starts a server on a port that the system chooses, and waits until it listens. */
  async serve(
    home: Home,
    ...words: string[]
  ): Promise<{ readonly server: Running; readonly port: string; readonly at: string[] }> {
    const server = this.start('server', ['--host', '127.0.0.1', '--port', '0', ...words], home)
    const [, port] = await server.until(/(?:listening on 127\.0\.0\.1:|"port":)(\d+)/)
    return { server, port: port!, at: ['--host', '127.0.0.1', '--port', port!] }
  }

  /** A copy of a home's root, as a backup would be. */
  copy(from: string, to: string): void {
    cpSync(from, to, { recursive: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running.map((running) => running[Symbol.asyncDispose]()))
    rmSync(this.folder, { recursive: true, force: true })
  }
}
