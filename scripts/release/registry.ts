/** A registry of our own on loopback, which asks the one that npm is configured for where it lacks a package. */
import { mkdir, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { runServer } from 'verdaccio'

/** A registry that is running; disposed of, it has ended. */
export interface Registry extends AsyncDisposable {
  readonly url: string
  /** An npmrc for whoever installs from it or publishes to it. */
  readonly npmrc: string
}

/** @param upstream where packages that are not ours come from */
export async function startRegistry(folder: string, upstream: string): Promise<Registry> {
  await mkdir(folder)
  const everybody = { access: '$all', publish: '$all', unpublish: '$all' }
  const config = join(folder, 'config.yaml')
  // JSON is YAML, too.
  await writeFile(
    config,
    JSON.stringify({
      storage: join(folder, 'storage'),
      auth: { htpasswd: { file: join(folder, 'htpasswd') } },
      uplinks: { upstream: { url: upstream, timeout: '60s', max_fails: 10 } },
      packages: { '@countersign/*': everybody, '**': { access: '$all', proxy: 'upstream' } },
      middlewares: { audit: { enabled: false } },
      web: { enable: false },
      log: { type: 'file', path: join(folder, 'log'), level: 'warn' },
    }),
  )
  const server = (await runServer(config)) as Server
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}/`
  const npmrc = join(folder, 'npmrc')
  await writeFile(npmrc, `registry=${url}\n//127.0.0.1:${port}/:_authToken=rehearsal\n`)
  return {
    url,
    npmrc,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}
