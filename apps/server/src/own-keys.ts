/** The server's own keys, as its home has them now: a rotation changes them while it runs. */
import type { Identity, PublicKey } from '@countersign/core'
import type { Home } from '@countersign/keyexchange'
import { describeFailure, printable } from '@countersign/keyexchange/cli'
import type { Log } from './log.ts'

export class OwnKeys {
  readonly #home: Home
  identity: readonly Identity[]

  static async of(home: Home): Promise<OwnKeys> {
    return new OwnKeys(home, await home.identities())
  }

  private constructor(home: Home, identity: readonly Identity[]) {
    this.#home = home
    this.identity = identity
  }

  get formerKeys(): readonly PublicKey[] {
    return this.#home.keys.slice(0, -this.identity.length)
  }

  /** Takes the home's keys anew; where they cannot be unlocked, the server goes on as it was. */
  async renew(log: Log): Promise<void> {
    try {
      const before = this.identity
      this.identity = await this.#home.identities()
      const { fingerprint } = this.identity[0]!.publicKey
      if (before[0]!.publicKey.fingerprint !== fingerprint) log.info(`this server has a new key: ${fingerprint}`)
    } catch (error) {
      log.error(`this server goes on with the key it had: ${printable(describeFailure(error).message)}`)
    }
  }
}
