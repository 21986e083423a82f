/** Keys in the formats of other tools. */
import { LocalError, type PrivateKey, type PublicKey, readPublicKey } from '@countersign/core'
import { checkedPrivateKey } from '@countersign/core/protocol'
import { createPrivateKey } from 'node:crypto'
import { readOpenSshPublicKey } from './openssh.ts'
import type { AskPassphrase } from './own.ts'

/** SPKI in PEM, or a line of OpenSSH. @throws LocalError KEY_... */
export function readAnyPublicKey(file: string): PublicKey {
  return /^(ssh|ecdsa|sk)-/.test(file) ? readOpenSshPublicKey(file) : readPublicKey(file)
}

/** OpenSSH's own format, or any PEM that OpenSSL reads. @throws LocalError KEY_... */
export async function readAnyPrivateKey(file: string, path: string, ask: AskPassphrase): Promise<PrivateKey> {
  if (file.includes('-----BEGIN OPENSSH PRIVATE KEY-----')) {
    const { readOpenSshPrivateKey } = await import('./openssh-private.ts')
    return readOpenSshPrivateKey(file, path, ask)
  }
  const encrypted = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(file)
  const passphrase = encrypted ? await ask(path) : undefined
  try {
    return checkedPrivateKey(createPrivateKey({ key: file, ...(passphrase !== undefined && { passphrase }) }))
  } catch (cause) {
    if (cause instanceof LocalError) throw cause
    throw encrypted ? new LocalError('KEY_PASSPHRASE') : new LocalError('KEY_FORMAT', 'OpenSSL cannot read it', { cause })
  }
}
