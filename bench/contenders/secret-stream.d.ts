/** What is used of a package that ships no types. */
declare module '@hyperswarm/secret-stream' {
  import type { Socket } from 'node:net'

  interface KeyPair {
    readonly publicKey: Uint8Array
    readonly secretKey: Uint8Array
  }

  class SecretStream {
    constructor(initiator: boolean, socket: Socket, options: object)
    static keyPair(seed: Uint8Array): KeyPair
    readonly opened: Promise<boolean>
    write(bytes: Uint8Array): boolean
    on(event: 'data', take: (bytes: Uint8Array) => void): this
    on(event: 'drain' | 'close', go: () => void): this
    on(event: 'error', fail: (error: Error) => void): this
    end(): this
  }

  export { type KeyPair, SecretStream as default }
}
