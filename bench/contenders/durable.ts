/** Countersign with a durable journal, and with a durable outbox before it. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Contender, Serving, Setting } from '../harness/contender.ts'
import { dialWith, partyOf, serveWith } from './countersign.ts'

type Store = typeof import('@countersign/store')

function loadStore({ root }: Setting): Promise<Store> {
  return import(pathToFileURL(join(root, 'packages/store/src/index.ts')).href) as Promise<Store>
}

async function serve(setting: Setting): Promise<Serving> {
  const { openJournal } = await loadStore(setting)
  const journal = await openJournal(join(setting.folder, 'journal.sqlite'))
  const server = await serveWith(setting, journal)
  return {
    port: server.port,
    async close() {
      await server.close()
      await journal[Symbol.asyncDispose]()
    },
  }
}

export const durableJournal: Contender = {
  about: 'sent from memory, stored in a durable journal before the receipt',
  serve,
  dial: (setting, port, from) => dialWith(setting, port, from),
}

export const durable: Contender = {
  about: 'committed in the outbox before it is sent, in the journal before the receipt, in the outbox again after it',
  serve,
  async dial(setting, port) {
    const { credentials, folder } = setting
    const { connect, openOutbox } = await loadStore(setting)
    const { identity, peer } = await partyOf(setting, credentials.client, credentials.server)
    const outbox = await openOutbox(join(folder, 'outbox.sqlite'), { identity })
    const client = connect({ outbox, host: '127.0.0.1', port, peer })
    return {
      post(body, acknowledged) {
        void client.send(body).then(({ receipt }) => {
          void receipt.then(acknowledged)
        })
      },
      async close() {
        await client.close()
        await outbox[Symbol.asyncDispose]()
      },
    }
  },
}
