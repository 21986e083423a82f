/** Addresses as people type them: HOST:PORT, with an IPv6 address in brackets. */
import { type AddressInfo, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { CliError } from '../cli/exit.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** @throws CliError USAGE */
export function parseAddress(text: string): Address {
  const match = /^(?:\[(?<six>[^\]]+)\]|(?<host>[^:\s]+)):(?<port>\d+)$/.exec(text)
  const port = Number(match?.groups?.['port'])
  const host = match?.groups?.['six'] ?? match?.groups?.['host']
  if (host !== undefined && port >= 1 && port <= 65535) return { host, port }
  throw new CliError('USAGE', `"${text}" is no address`, 'write it as HOST:PORT, an IPv6 address in brackets: [::1]:11564')
}

/** A port with or without a host in front; 0 lets the system choose one. @throws CliError USAGE */
export function parseListenAddress(text: string): { host?: string; port: number } {
  if (/^\d+$/.test(text) && Number(text) <= 65535) return { port: Number(text) }
  const match = /^(.+):0$/.exec(text)
  return match ? { ...parseAddress(`${match[1]}:1`), port: 0 } : parseAddress(text)
}

export function formatAddress(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

/** An address under which another machine may reach this one. */
export function ownAddress({ address }: AddressInfo): string {
  if (address !== '::' && address !== '0.0.0.0') return address
  const outward = Object.values(networkInterfaces())
    .flat()
    .filter((entry) => entry && !entry.internal)
  return outward.find((entry) => entry!.family === 'IPv4')?.address ?? outward[0]?.address ?? 'localhost'
}
