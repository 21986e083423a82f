/** What is measured: anything that carries messages from a client to a server on this machine. */

/** What both sides need before they can talk; made once by the program that measures. */
export interface Credentials {
  readonly server: Credential
  readonly client: Credential
}

export interface Credential {
  /** An Ed25519 private key, PKCS#8 PEM. */
  readonly identity: string
  /** A P-256 private key and its self-signed certificate, PEM. */
  readonly tlsKey: string
  readonly certificate: string
}

export interface Setting {
  readonly credentials: Credentials
  /** An empty folder of this side's own, where it may keep what it stores. */
  readonly folder: string
  /** The checkout that our own code is taken from. */
  readonly root: string
}

/** The server's side, as it listens on 127.0.0.1. */
export interface Serving {
  readonly port: number
  close(): Promise<void>
}

/** One connection of a client, its handshake done. */
export interface Link {
  /** Queues a message; `acknowledged` is called once the server says that it has it. */
  post(body: Uint8Array, acknowledged: () => void): void
  /** Sends so many bytes as one body; resolves when the server says that it has them all. */
  bulk?(length: number): Promise<void>
  close(): Promise<void>
}

export interface Contender {
  /** What it does with a message, in a few words. */
  readonly about: string
  serve(setting: Setting): Promise<Serving>
  /** @param from the loopback address to dial from */
  dial(setting: Setting, port: number, from: string): Promise<Link>
}

/** Sends `count` messages with at most `window` of them unacknowledged; resolves when all are acknowledged. */
export function pump({ post }: Link, body: Uint8Array, count: number, window: number): Promise<void> {
  return new Promise((resolve) => {
    let left = count
    let open = 0
    const acknowledged = (): void => {
      open -= 1
      if (left > 0) next()
      else if (open === 0) resolve()
    }
    const next = (): void => {
      left -= 1
      open += 1
      post(body, acknowledged)
    }
    for (let i = Math.min(window, count); i > 0; i--) next()
  })
}

/** One body of 1 MiB, of which long bodies are made again and again. */
export const BLOCK: Uint8Array<ArrayBuffer> = new Uint8Array(1024 * 1024).map((_, i) => (i * 2_654_435_761) >>> 24)
