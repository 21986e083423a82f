/**
 * Which messages a server takes: a file of rules, for all peers and for each by name.
 *
 * ```json
 * {
 *   "default": { "contentTypes": ["text/*", "application/json"], "maxLength": "10M", "messagesPerMinute": 600 },
 *   "peers": { "alice": { "maxLength": "2G" } }
 * }
 * ```
 *
 * A peer's own rules stand in place of the default ones of the same name. Where a rule is not said, everything is taken.
 */
import type { Peer, Policy } from '@countersign/core'
import { CliError, parseSize } from '@countersign/keyexchange/cli'
import { readFileSync } from 'node:fs'
import type { Quota, Quotas } from './quotas.ts'
import type { RulesSource } from './settings/kinds.ts'

/** The rules for one peer. */
interface Rules extends Quota {
  /** Such as text/plain or text/*; a message that says none is application/octet-stream */
  readonly contentTypes?: readonly string[]
  /** The longest message taken, in bytes: its body, its attributes, and 19 bytes */
  readonly maxLength?: number
  /** Messages a minute; as many may come at once */
  readonly messagesPerMinute?: number
}

/** The form of a policy, for the help of what takes one. */
export const POLICY_HELP = `
A policy is JSON: {"default": {RULES}, "peers": {"NAME": {RULES}}}; a peer's rules stand in place of the default ones.
  contentTypes       ["text/*", "application/json"]: no others; a message that says none is application/octet-stream
  maxLength          "10M": no longer messages
  messagesPerMinute  600: no more, though as many may come at once
  mostBytes          "2G": no more of a peer's in the journal at a time
  mostPlaces         100: no more outboxes of a peer's
  mostPartials       4: no more long messages that have come in part`

/** What a policy asks while it decides. */
export interface Circumstances {
  /** Any steady clock; ms */
  now(): number
  /** Where nothing is stored, none hold */
  readonly quotas?: Quotas
}

/** The rules that a peer is under. */
export type RulesOf = (peer: Peer) => Rules

/** Reads rules; without any, everything is taken. @throws CliError USAGE where they are none; Node's system errors */
export function readRules(source: RulesSource | undefined): RulesOf {
  if (source === undefined) return () => ({})
  if ('inline' in source) return parse('of the settings', source.inline)
  const where = source.path
  return parse(where, parseJson(readFileSync(where, 'utf8'), refusal(where)))
}

/** @param rulesOf asked anew for each message, so that rules can change while a session lasts */
export function policyOf(rulesOf: RulesOf, { now, quotas }: Circumstances): Policy {
  const allowances = new Map<string, Allowance>()
  const allows = ({ name = '' }: Peer, { messagesPerMinute }: Rules, count: number): boolean => {
    if (messagesPerMinute === undefined) return true
    let allowance = allowances.get(name)
    if (allowance?.perMinute !== messagesPerMinute) {
      allowance = new Allowance(messagesPerMinute, now())
      allowances.set(name, allowance)
    }
    return allowance.take(count, now())
  }
  return {
    async envelope(envelope) {
      const { peer, place, lengths } = envelope
      const rules = rulesOf(peer)
      const { maxLength = Infinity } = rules
      if (lengths.some((length) => length > maxLength)) return false
      if (quotas !== undefined && !(await quotas.take(envelope, rules))) return false
      if (allows(peer, rules, lengths.length)) return true
      quotas?.over(place, envelope.first)
      return false
    },
    over: (place) => quotas?.over(place),
    item({ peer, attributes }) {
      const { contentTypes } = rulesOf(peer)
      return contentTypes === undefined || matches(attributes.get('content-type') ?? 'application/octet-stream', contentTypes)
    },
  }
}

/** What a peer may still send, which grows back over a minute. */
class Allowance {
  readonly perMinute: number
  #left: number
  #at: number

  constructor(perMinute: number, now: number) {
    this.perMinute = this.#left = perMinute
    this.#at = now
  }

  take(count: number, now: number): boolean {
    this.#left = Math.min(this.perMinute, this.#left + ((now - this.#at) / 60_000) * this.perMinute)
    this.#at = now
    if (count > this.#left) return false
    this.#left -= count
    return true
  }
}

/** Parameters of a content type do not count, nor does the case of its letters. */
function matches(contentType: string, patterns: readonly string[]): boolean {
  const type = contentType.split(';')[0]!.trim().toLowerCase()
  return patterns.some((pattern) => {
    const wanted = pattern.toLowerCase()
    return wanted === '*/*' || wanted === type || (wanted.endsWith('/*') && type.startsWith(wanted.slice(0, -1)))
  })
}

const READERS: { readonly [R in keyof Rules]-?: (value: unknown) => Rules[R] | undefined } = {
  contentTypes: (value) => (Array.isArray(value) && value.every((type) => typeof type === 'string') ? value : undefined),
  maxLength: size,
  messagesPerMinute: (value) => (typeof value === 'number' && value > 0 ? value : undefined),
  mostBytes: size,
  mostPlaces: count,
  mostPartials: count,
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

function size(value: unknown): number | undefined {
  return typeof value === 'string' || typeof value === 'number' ? parseSize(String(value)) : undefined
}

function refusal(where: string): (what: string) => never {
  return (what) => {
    throw new CliError('USAGE', `the policy ${where} ${what}`, `a rule is one of ${Object.keys(READERS).join(', ')}`)
  }
}

function parse(where: string, policy: unknown): RulesOf {
  const refuse: (what: string) => never = refusal(where)
  const record = (value: unknown, where: string): Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : refuse(`has no object at ${where}`)
  const rules = (value: unknown, where: string): Rules =>
    Object.fromEntries(
      Object.entries(record(value, where)).map(([name, said]) => {
        const read = Object.hasOwn(READERS, name)
          ? READERS[name as keyof Rules]
          : refuse(`has an unknown rule at ${where}: ${name}`)
        return [name, read(said) ?? refuse(`has no good value at ${where}.${name}`)]
      }),
    )
  const { default: usual = {}, peers = {}, ...others } = record(policy, 'its top')
  const [other] = Object.keys(others)
  if (other !== undefined) refuse(`has an unknown part: ${other}`)
  const fallback = rules(usual, 'default')
  const named = new Map(Object.entries(record(peers, 'peers')).map(([name, value]) => [name, rules(value, `peers.${name}`)]))
  return ({ name = '' }) => ({ ...fallback, ...named.get(name) })
}

function parseJson(text: string, refuse: (what: string) => never): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return refuse('is no JSON')
  }
}
