/**
 * Every setting of the server, once. The flags, the environment, the file, --help and the table in docs/OPERATIONS.md are
 * all made from this.
 */
import { DEFAULT_PORT } from '@countersign/keyexchange'
import type { LogFormat, LogLevel } from '../log.ts'
import {
  type Endpoint,
  endpoint,
  host,
  type Kind,
  onOff,
  oneOf,
  path,
  rules,
  type RulesSource,
  seconds,
  size,
  webAddress,
  wholeNumber,
} from './kinds.ts'

/** All settings, with what each comes to. Times are in seconds, sizes in bytes. */
export interface Settings {
  readonly host: string | undefined
  readonly port: number
  readonly timeout: number
  readonly pingAfter: number
  readonly idleAfter: number
  readonly mostHandshakes: number
  readonly mostHandshakesPerAddress: number
  readonly mostSessions: number
  readonly maxMessage: number | undefined
  readonly policy: RulesSource | undefined
  readonly ephemeral: boolean
  readonly exec: string | undefined
  readonly webhook: string | undefined
  readonly hookTries: number
  readonly hookTimeout: number
  readonly metrics: Endpoint | undefined
  readonly metricsPublic: boolean
  readonly logLevel: LogLevel
  readonly logFormat: LogFormat
  readonly trace: boolean
}

export type SettingName = keyof Settings

export interface Setting<T> {
  readonly kind: Kind<NonNullable<T>>
  readonly default: T
  /** For --help and the documents: what it does, and where it is not said what undefined means */
  readonly does: string
  /** Whether SIGHUP puts a changed value into force; the others wait for a restart */
  readonly reloads: boolean
}

function setting<V, D extends V | undefined>(kind: Kind<NonNullable<V>>, standard: D, does: string): Setting<V | D> {
  return { kind, default: standard, does, reloads: false }
}

function reloading<V, D extends V | undefined>(kind: Kind<NonNullable<V>>, standard: D, does: string): Setting<V | D> {
  return { ...setting(kind, standard, does), reloads: true }
}

export const SETTINGS: { readonly [N in SettingName]: Setting<Settings[N]> } = {
  host: setting(host, undefined, 'the address to listen on; every one of this machine where it is not said'),
  port: setting(wholeNumber('<port>', 0, 65_535), DEFAULT_PORT, 'the port to listen on; 0 lets the system choose'),
  timeout: reloading(seconds(0.1, 3600), 10, 'how long a handshake may take'),
  pingAfter: reloading(seconds(0.1, 3600), 30, 'how long nothing is heard from a client before it is asked for a sign of life'),
  idleAfter: reloading(seconds(0.1, 86_400), 90, 'how long nothing is heard from a client before its session ends'),
  mostHandshakes: setting(
    wholeNumber('<n>', 1, 1_000_000),
    256,
    'handshakes that may be open at a time; past that a connection is closed',
  ),
  mostHandshakesPerAddress: setting(wholeNumber('<n>', 1, 1_000_000), 16, 'the same from one IPv4 address or IPv6 /64'),
  mostSessions: reloading(
    wholeNumber('<n>', 1, 1_000_000),
    10_000,
    'sessions that may be open at a time; past that a client is told to try later',
  ),
  maxMessage: reloading(size, undefined, 'the longest message taken, attributes and 19 bytes included; any where it is not said'),
  policy: reloading(rules, undefined, 'rules for what is taken from whom, in JSON; everything where it is not said'),
  ephemeral: setting(onOff, false, 'store nothing: receipts then say received, not stored'),
  exec: setting(
    { ...path, placeholder: '<program>' },
    undefined,
    'run a program for each message: its body on standard input, its fields in COUNTERSIGN_...',
  ),
  webhook: setting(webAddress, undefined, 'post each message: its body as it is, its fields in headers'),
  hookTries: setting(wholeNumber('<n>', 1, 1_000_000), 8, 'how often a message is tried before it is set aside'),
  hookTimeout: setting(seconds(0.1, 86_400), 60, 'how long one try may take'),
  metrics: setting(endpoint, undefined, 'where to answer /metrics, /healthz and /readyz; nowhere where it is not said'),
  metricsPublic: setting(onOff, false, 'let other machines ask for metrics and health'),
  logLevel: reloading(
    oneOf('<level>', 'error', 'warn', 'info', 'debug', 'trace'),
    'info',
    'what is worth a line on standard error',
  ),
  logFormat: setting(oneOf('<format>', 'text', 'json'), 'text', 'how such a line is written'),
  trace: reloading(
    onOff,
    false,
    'the same as logLevel trace: every step of the protocol, its size and what each field is for, and no secret',
  ),
}

export const SETTING_NAMES: readonly SettingName[] = Object.keys(SETTINGS) as SettingName[]

/** hookTries is --hook-tries, */
export function flagOf(name: SettingName): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** and COUNTERSIGN_HOOK_TRIES. */
export function variableOf(name: SettingName): string {
  return `COUNTERSIGN_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}
