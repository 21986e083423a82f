/** Times and sizes as people write them. */

const TIMES: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 }
const SIZES: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 }

/** A time such as 7d, 12h, 30m or 45s, in ms; undefined where it is none, or past 3650d. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,9})([dhms])$/.exec(text) ?? []
  const duration = Number(count) * TIMES[unit ?? 'd']!
  return duration <= 3650 * TIMES['d']! ? duration : undefined
}

/** A size such as 500, 64K, 10M, 2G or 1T, in bytes; the letters are powers of 1024. */
export function parseSize(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,12})([KMGT]?)i?B?$/i.exec(text) ?? []
  const size = Number(count) * SIZES[(unit ?? '').toUpperCase()]!
  return size < 2 ** 53 ? size : undefined
}

/** A size in few digits, for people. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`
  const power = Math.min(4, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** power).toFixed(1)} ${['', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`
}
