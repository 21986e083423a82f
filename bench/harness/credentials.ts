/** Keys and self-signed certificates for one run. */
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Credential, Credentials } from './contender.ts'

export function makeCredentials(): Credentials {
  return { server: credential(), client: credential() }
}

function credential(): Credential {
  const folder = mkdtempSync(join(tmpdir(), 'bench-keys-'))
  try {
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc']
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
    execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-days', '30', '-keyout', key, '-out', certificate], {
      stdio: 'ignore',
    })
    const identity = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' })
    return { identity, tlsKey: readFileSync(key, 'utf8'), certificate: readFileSync(certificate, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
