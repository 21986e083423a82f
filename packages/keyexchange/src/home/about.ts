/** The lines of text above `-----BEGIN` (RFC 7468 section 2), which tell people and this tool about a key and which nothing trusts. */
import { type PublicKey, publicKeyPem } from '@countersign/core'
import { claimedDate } from '@countersign/core/protocol'

/** What the lines above a PEM block say of a key. */
export interface About {
  readonly name?: string | undefined
  /** Since when: an ISO 8601 date and time, UTC */
  readonly date?: string | undefined
  /** HOST:PORT of the peer's server */
  readonly address?: string | undefined
  /** How the key came */
  readonly origin?: string | undefined
  /** Of a private key: the fingerprint of its public half, so that it is known without the passphrase */
  readonly fingerprint?: string | undefined
}

const FIELDS: readonly (keyof About)[] = ['name', 'date', 'address', 'origin', 'fingerprint']

/** A PEM block with its lines of text above it. */
export function withAbout(about: About, pem: string): string {
  const lines = FIELDS.filter((field) => about[field] !== undefined).map((field) => `${field}: ${oneLine(about[field]!)}\n`)
  return `${lines.join('')}${pem}`
}

/** The text of a file that holds a public key. */
export function publicKeyFile(publicKey: PublicKey, { name, date, address, origin }: About): string {
  return withAbout({ name, date, address, origin }, publicKeyPem(publicKey))
}

/** A text that came from elsewhere must not become a line of its own, least of all one that begins a PEM block. */
function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it is for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ').replaceAll('-----', '- - -')
}

export function readAbout(file: string): About {
  const [above = ''] = file.split('-----BEGIN', 1)
  const found = above.split('\n').flatMap((line) => {
    const match = /^([a-z]+): (.*?)\r?$/.exec(line)
    return match && FIELDS.includes(match[1] as keyof About) ? [[match[1]!, match[2]!] as const] : []
  })
  return Object.fromEntries(found)
}

/** The date of these lines: seconds are enough. What a peer has signed may be past all that a calendar here reaches. */
export function isoDate(time: number): string {
  return claimedDate(time)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
}
