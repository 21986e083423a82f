/** What the results were measured on. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { arch, cpus, loadavg, release, totalmem, type } from 'node:os'

export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryGiB: number
  readonly system: string
  /** Runnable processes over the last minute, before the first measurement: others at work make figures worse. */
  readonly load: number
  readonly versions: Readonly<Record<string, string>>
  readonly revision: string
}

const PEERS = ['ws', '@hyperswarm/secret-stream', '@chainsafe/libp2p-noise', 'ssh2', '@nats-io/jetstream']

export function describeMachine(root: string): Machine {
  const all = cpus()
  const { node, openssl, sqlite = '' } = process.versions
  const versions: Record<string, string> = { node, openssl, sqlite }
  for (const peer of PEERS) versions[peer] = installed(peer)
  versions['nats-server'] = spoken('nats-server', '--version') ?? 'none'
  return {
    processor: all[0]?.model ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()} ${arch()}`,
    load: loadavg()[0]!,
    versions,
    revision: revisionOf(root),
  }
}

/** The commit, with a mark where files differ from it. */
export function revisionOf(root: string): string {
  return spoken('git', '-C', root, 'describe', '--always', '--dirty', '--exclude=*') ?? 'unknown'
}

function installed(name: string): string {
  const { resolve } = createRequire(import.meta.url)
  const file = resolve.paths(name)?.map((folder) => `${folder}/${name}/package.json`) ?? []
  for (const path of file) {
    try {
      return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
    } catch {
      continue
    }
  }
  return 'none'
}

function spoken(program: string, ...words: string[]): string | undefined {
  try {
    return execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return undefined
  }
}
