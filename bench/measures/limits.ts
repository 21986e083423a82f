import {
  createCipheriv,
  createHash,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  hash,
  randomBytes,
  sign,
  verify,
} from 'node:crypto'
import { type Bench, type Measure, type Row, rowOf } from '../harness/bench.ts'

export const limits: Measure = {
  title: 'What one core can do',
  about: 'The primitives as node:crypto gives them, in one process: no code over them can be faster.',
  async run(bench) {
    const block = randomBytes(64 * 1024)
    const small = randomBytes(128)
    const [key, iv] = [randomBytes(32), randomBytes(12)]
    const ed25519 = generateKeyPairSync('ed25519')
    const signature = sign(null, small, ed25519.privateKey)
    const [ours, theirs] = [generateKeyPairSync('x25519'), generateKeyPairSync('x25519')]
    const kem = generateKeyPairSync('ml-kem-768')
    const long: readonly [string, () => unknown][] = [
      ['SHA-256, 64 KiB', () => createHash('sha256').update(block).digest()],
      ['AES-256-GCM, 64 KiB', () => createCipheriv('aes-256-gcm', key, iv).update(block)],
    ]
    const short: readonly [string, () => unknown][] = [
      ['SHA-256, 128 B', () => hash('sha256', small, 'hex')],
      ['Ed25519 sign', () => sign(null, small, ed25519.privateKey)],
      ['Ed25519 verify', () => verify(null, small, ed25519.publicKey, signature)],
      ['X25519', () => diffieHellman({ privateKey: ours.privateKey, publicKey: theirs.publicKey })],
      ['ML-KEM-768 encapsulate', () => encapsulate(kem.publicKey)],
    ]
    return {
      tables: [
        { title: 'bytes', unit: 'GB/s', better: 'more', rows: rate(bench, long, block.length / 1e9) },
        { title: 'operations', unit: '/s', better: 'more', rows: rate(bench, short, 1) },
      ],
    }
  },
}

/** Runs each over and over, in turn. */
function rate(bench: Bench, works: readonly (readonly [string, () => unknown])[], scale: number): Row[] {
  const samples = works.map(() => [] as { value: number }[])
  // The first round warms up.
  for (let run = 0; run <= bench.runs; run++) {
    for (const [i, [, work]] of works.entries()) {
      const start = performance.now()
      let times = 0
      let elapsed = 0
      for (; elapsed < bench.work(300); elapsed = performance.now() - start) {
        work()
        times += 1
      }
      if (run > 0) samples[i]!.push({ value: (times / elapsed) * 1000 * scale })
    }
  }
  return works.map(([name], i) => rowOf(name, samples[i]!))
}
