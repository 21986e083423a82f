/** What the value of a setting can be, and how it is read: from a flag or the environment as text, from the file as JSON. */
import { parseSize } from '@countersign/keyexchange/cli'
import { resolve } from 'node:path'

export interface Kind<T> {
  /** What stands behind the flag in --help; nothing behind one that is on or off */
  readonly placeholder?: string
  /** What a value is, for people */
  readonly is: string
  /**
   * Undefined where it is no such value.
   *
   * @param folder what a relative path is relative to
   */
  read(said: unknown, folder: string): T | undefined
}

function number(said: unknown): number {
  if (typeof said === 'number') return said
  return typeof said === 'string' && said.trim() !== '' ? Number(said) : Number.NaN
}

export function wholeNumber(placeholder: string, least: number, most: number): Kind<number> {
  const read = (said: unknown): number | undefined => {
    const value = number(said)
    return Number.isInteger(value) && value >= least && value <= most ? value : undefined
  }
  return { placeholder, is: `a whole number from ${least} to ${most}`, read }
}

/** In seconds, which may have a fraction. */
export function seconds(least: number, most: number): Kind<number> {
  const read = (said: unknown): number | undefined => {
    const value = number(said)
    return value >= least && value <= most ? value : undefined
  }
  return { placeholder: '<seconds>', is: `a number of seconds from ${least} to ${most}`, read }
}

/** In bytes, where K, M, G and T behind it are powers of 1024. */
export const size: Kind<number> = {
  placeholder: '<size>',
  is: 'a size such as 500, 64K or 10M',
  read: (said) => (typeof said === 'string' || typeof said === 'number' ? parseSize(String(said)) : undefined),
}

const WORDS = new Map([
  ['yes', true],
  ['true', true],
  ['1', true],
  ['no', false],
  ['false', false],
  ['0', false],
])

export const onOff: Kind<boolean> = {
  is: 'true or false',
  read: (said) => (typeof said === 'string' ? WORDS.get(said.toLowerCase()) : typeof said === 'boolean' ? said : undefined),
}

export function oneOf<T extends string>(placeholder: string, ...values: readonly T[]): Kind<T> {
  return { placeholder, is: `one of ${values.join(', ')}`, read: (said) => values.find((value) => value === said) }
}

export const host: Kind<string> = {
  placeholder: '<host>',
  is: 'a name or an address',
  read: (said) => (typeof said === 'string' && /^[^\s/]+$/.test(said) ? said : undefined),
}

export const path: Kind<string> = {
  placeholder: '<file>',
  is: 'a path',
  read: (said, folder) => (typeof said === 'string' && said !== '' ? resolve(folder, said) : undefined),
}

export const webAddress: Kind<string> = {
  placeholder: '<url>',
  is: 'an address that begins with http:// or https://',
  read: (said) => (typeof said === 'string' && /^https?:/i.test(said) && URL.canParse(said) ? said : undefined),
}

/** A port of a host, or a Unix socket. */
export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string }

/** A port alone is one of this machine's own. */
export const endpoint: Kind<Endpoint> = {
  placeholder: '<address>',
  is: 'a PORT, a HOST:PORT, or unix:PATH',
  read(said, folder) {
    const [, socket] = /^unix:(.+)$/.exec(String(said)) ?? []
    if (socket !== undefined) return { path: resolve(folder, socket) }
    const [, six, name = six ?? '127.0.0.1', digits] = /^(?:(?:\[([^\]\s]+)\]|([^:\s]+)):)?(\d+)$/.exec(String(said)) ?? []
    const port = Number(digits)
    return port <= 65_535 ? { host: name, port } : undefined
  },
}

/** Rules in a file of their own, or as they stand in the server's file. */
export type RulesSource = { readonly path: string } | { readonly inline: object }

export const rules: Kind<RulesSource> = {
  placeholder: '<file>',
  is: 'the path of a file of rules, or the rules themselves as an object',
  read(said, folder) {
    if (typeof said === 'string') return said === '' ? undefined : { path: resolve(folder, said) }
    return typeof said === 'object' && said !== null && !Array.isArray(said) ? { inline: said } : undefined
  },
}
