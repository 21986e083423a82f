/** Where a home and what is in it stand in the file system. */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { CliError } from '../cli/exit.ts'

/** Where a server listens and a client dials, where nothing else is said */
export const DEFAULT_PORT = 11564

/** Each role has a home of its own: a server, or a client. */
export type Role = 'server' | 'client'
export const ROLES: readonly Role[] = ['client', 'server']

/** Two folders: homes of keys, and the journals and outboxes beside them. */
export interface Root {
  /** Holds the homes `server` and `client` */
  readonly homes: string
  /** Holds a folder of state for each role */
  readonly state: string
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The root that `--root` or COUNTERSIGN_HOME names, with the state inside it; where neither does, the user's own
 * folders, as the XDG base directories say.
 */
export function resolveRoot(named?: string, environment: Environment = process.env): Root {
  const folder = named ?? nonEmpty(environment['COUNTERSIGN_HOME'])
  if (folder !== undefined) return { homes: resolve(folder), state: resolve(folder, 'state') }
  const config = nonEmpty(environment['XDG_CONFIG_HOME']) ?? join(homedir(), '.config')
  const state = nonEmpty(environment['XDG_STATE_HOME']) ?? join(homedir(), '.local', 'state')
  return { homes: join(config, 'countersign'), state: join(state, 'countersign') }
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value
}

/** The paths of one home. */
export interface HomePaths {
  readonly role: Role
  readonly root: string
  readonly home: string
  readonly identity: string
  readonly publicKey: string
  readonly previous: string
  readonly peers: string
  readonly revoked: string
  readonly chains: string
  /** Journals and outboxes of this role; not made here */
  readonly state: string
}

/** Where everything stands in the home of a role. */
export function homePaths(root: Root, role: Role): HomePaths {
  const home = join(root.homes, role)
  return {
    role,
    root: root.homes,
    home,
    identity: join(home, 'identity.pem'),
    publicKey: join(home, 'identity.pub.pem'),
    previous: join(home, 'previous.pem'),
    peers: join(home, 'peers'),
    revoked: join(home, 'revoked'),
    chains: join(home, 'chains'),
    state: join(root.state, role),
  }
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/

/** Whether a text can name a peer: lower case alone, so that names differ by more than case; never a path. */
export function isName(text: string): boolean {
  return NAME.test(text)
}

/** @throws CliError USAGE */
export function requireName(text: string): string {
  if (isName(text)) return text
  const rule = 'a name is 1 to 64 of a-z, 0-9, dot, underscore and hyphen, and begins with a letter or a digit'
  throw new CliError('USAGE', `"${text}" cannot name a key`, rule)
}

/** The nearest name to a text that may be none, as a computer's host name. */
export function toName(text: string): string {
  const name = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '')
    .slice(0, 64)
  return isName(name) ? name : 'unnamed'
}
