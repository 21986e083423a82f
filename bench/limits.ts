/** What one core of this machine can do at most, and the record layer beside the cipher that it is made of. */
import {
  createCipheriv,
  createHash,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
} from 'node:crypto'
import { arch, cpus, platform } from 'node:os'
import { Sealer } from '@countersign/core/protocol'

const ROUNDS = 5
const SECONDS = 0.3

/** Runs `work` over and over; the median of the rounds' rates per second, and their spread as a share of it. */
function rate(work: () => unknown): { median: number; spread: number } {
  const rounds = Array.from({ length: ROUNDS + 1 }, () => {
    const start = performance.now()
    let times = 0
    let elapsed = 0
    for (; elapsed < SECONDS * 1000; elapsed = performance.now() - start) {
      work()
      times += 1
    }
    return (times / elapsed) * 1000
  })
  // The first round warms up.
  const rates = rounds.slice(1).toSorted((a, b) => a - b)
  const median = rates[ROUNDS >> 1]!
  return { median, spread: (rates.at(-1)! - rates[0]!) / median }
}

const block = randomBytes(64 * 1024)
const small = randomBytes(128)
const key = randomBytes(32)
const iv = randomBytes(12)
const ed25519 = generateKeyPairSync('ed25519')
const signature = sign(null, small, ed25519.privateKey)
const [ours, theirs] = [generateKeyPairSync('x25519'), generateKeyPairSync('x25519')]
const kem = generateKeyPairSync('ml-kem-768')
const sealer = new Sealer(randomBytes(32))

/** Each piece of work, and the bytes it goes over where those are what counts. */
const limits: [name: string, bytes: number | undefined, work: () => unknown][] = [
  ['SHA-256, 64 KiB', block.length, () => createHash('sha256').update(block).digest()],
  ['AES-256-GCM, 64 KiB', block.length, () => createCipheriv('aes-256-gcm', key, iv).update(block)],
  ['a record of the session, 64 KiB', block.length, () => sealer.record(1, [block])],
  ['Ed25519 sign', undefined, () => sign(null, small, ed25519.privateKey)],
  ['Ed25519 verify', undefined, () => verify(null, small, ed25519.publicKey, signature)],
  ['X25519', undefined, () => diffieHellman({ privateKey: ours.privateKey, publicKey: theirs.publicKey })],
  ['ML-KEM-768 encapsulate', undefined, () => encapsulate(kem.publicKey)],
]

console.log(
  `Node ${process.version}, OpenSSL ${process.versions.openssl}, ${platform()}-${arch()}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
)
console.log(`medians of ${ROUNDS} rounds of ${SECONDS} s, with their spread\n`)
for (const [name, bytes, work] of limits) {
  const { median, spread } = rate(work)
  const figure =
    bytes === undefined ? `${Math.round(median).toLocaleString('en')} /s` : `${((median * bytes) / 1e9).toFixed(2)} GB/s`
  console.log(`${name.padEnd(34)}${figure.padStart(14)}   +-${Math.round(spread * 50)}%`)
}
