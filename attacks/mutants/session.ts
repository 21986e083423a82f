/** Checks of records and of keys. */
import { core, type Mutant, within } from './mutant.ts'

const session = core('session')
const keys = core('crypto/keys.test.ts', 'crypto/traps.test.ts', 'crypto/ed25519.test.ts')
const signatures = core('crypto/signature.test.ts', 'crypto/traps.test.ts')

export const sessionMutants: readonly Mutant[] = [
  ...within(
    'packages/core/src/session/session.ts',
    session,
    [
      'unknown kinds',
      "if (name === undefined) throw new PeerError('PROTOCOL', `a record of kind ${kind}`)",
      'if (name === undefined) return undefined',
    ],
    [
      'records and bytes under one key',
      'if (this.#opener.seq > mostRecords || this.#opener.bytes > mostBytes) {',
      'if (mostRecords < 0 || mostBytes < 0) {',
    ],
    [
      'messages where none are taken',
      "if (!this.#mayReceive) throw new PeerError('PROTOCOL', 'a message in a session that takes none')",
      '',
    ],
    ['empty MESSAGE', "if (name === 'MESSAGE' && length === 0) throw new PeerError('PROTOCOL', 'an empty MESSAGE')", ''],
    ['KEY-UPDATE with a payload', "if (length > 0) throw new PeerError('PROTOCOL', 'a KEY-UPDATE with a payload')", ''],
    [
      'budget of records without content',
      "if (this.#budget < 1) throw new PeerError('LIMIT', 'too many records without content')",
      '',
    ],
    ['KEY-UPDATE draws on the budget', 'this.#contentUnderKey >= freeUpdateAfter) return', 'this.#contentUnderKey >= 0) return'],
    [
      'PONG answers a PING',
      'if (this.#ping === undefined || !equal(this.#ping.payload, payload)) {',
      'if (this.#ping === undefined) {',
    ],
    [
      'key changes before its limits',
      'if (seq >= updateRecords || bytes >= updateBytes || now - this.#keySince >= updateAge) this.updateKey(now)',
      'void [seq, bytes, updateRecords, updateBytes, updateAge]',
    ],
    ['a pause of one’s own is no silence', 'if (!this.#reading) {', 'if (now < 0) {'],
    ['idle peers are ended', 'if (now >= this.#heardAt + this.#limits.idleAfter) {', 'if (now < 0) {'],
  ),
  ...within(
    'packages/core/src/session/cipher.ts',
    core('session', 'crypto/aead.test.ts'),
    [
      'tag of a record',
      "if (pieces === undefined) throw new PeerError('NOT_AUTHENTIC', 'a record does not open')",
      "if (pieces === undefined) throw new PeerError('PROTOCOL')",
    ],
    ['sequence numbers advance', '    this.seq += 1\n    this.bytes += this.#length', '    this.bytes += this.#length'],
  ),
  ...within(
    'packages/core/src/crypto/aead.ts',
    core('crypto/aead.test.ts', 'session'),
    ['crumbs of a record are joined', 'gather(this.#plaintext,', 'this.#plaintext.push('],
    ['what is not authentic is not handed out', '      this.#decipher.final()\n', ''],
    ['frame header as associated data', '    this.#decipher.setAAD(aad)\n', ''],
    ['nonces differ', 'lent[8 + i]! ^= seq >>> (24 - 8 * i)', 'lent[8 + i]! ^= 0 * seq'],
    ['nonces differ past 2^32', 'lent[4 + i]! ^= high >>> (24 - 8 * i)', 'lent[4 + i]! ^= 0 * high'],
  ),
  ...within(
    'packages/core/src/crypto/signature.ts',
    signatures,
    [
      'exact length of signatures',
      'if (signature.length !== publicKey.signatureLength) return false',
      '',
      'OpenSSL refuses other lengths of Ed25519, PSS and ML-DSA itself',
    ],
    [
      'verify answers true, and nothing else is true',
      'message, keyInput(algorithm, key), signature) === true',
      'message, keyInput(algorithm, key), signature) !== undefined',
    ],
    ['exact length of a wrapped key', 'wrapped.length === publicKey.signatureLength ? unwrap', 'wrapped.length > 0 ? unwrap'],
    ['salt of PSS', 'saltLength: 32 }', 'saltLength: constants.RSA_PSS_SALTLEN_AUTO }'],
    [
      'hash of OAEP',
      "oaepHash: 'sha256' }",
      "oaepHash: 'sha1' }",
      core('vectors', 'crypto/traps.test.ts', 'crypto/signature.test.ts'),
    ],
    [
      'signatures have a context of their own',
      "utf8(`${' '.repeat(64)}countersign/1 ${name}\\0`)",
      "utf8(`${' '.repeat(64)}countersign/1 \\0`)",
      core('vectors', 'reference', 'handshake'),
    ],
  ),
  ...within(
    'packages/core/src/crypto/keys.ts',
    keys,
    ['private key among public ones', "if (PRIVATE_PEM.test(file)) throw new LocalError('KEY_PRIVATE')", ''],
    ['one PEM block', 'if (begins !== 1) throw', 'if (begins === 0) throw'],
    ['nothing after the DER of a private key', '  requireExactDer(der)\n', ''],
    [
      'nothing after the DER of a public key',
      "if (!equal(publicKey.spki, der)) throw new LocalError('KEY_FORMAT', 'not in DER, or bytes after it')",
      '',
    ],
    ['Ed25519 points of small order', 'if (!isEd25519PointOfLargeOrder(spki.subarray(-32))) {', 'if (spki.length === 0) {'],
    ['sizes of RSA', 'if (!RSA_BITS.includes(modulusLength!)) {', 'if (modulusLength! < 1) {'],
    ['exponent of RSA', 'if (publicExponent !== 65537n) throw', 'if (publicExponent === 0n) throw'],
    ['seed of ML-DSA', "if (publicKey.algorithm === 'ml-dsa-65') requireSeed(key)", ''],
  ),
  ...within(
    'packages/core/src/crypto/kem.ts',
    core('crypto/kem.test.ts', 'handshake', 'conformance'),
    [
      'X25519 result of zero',
      'return isZero(secret) ? undefined : secret',
      'return secret',
      'OpenSSL refuses the all-zero result itself',
    ],
    [
      'both halves make the secret',
      'const input = concat(mlkem, x25519Secret, ciphertext, publicKey, XWING_LABEL)',
      'const input = concat(mlkem, ciphertext, publicKey, XWING_LABEL)',
      core('vectors', 'crypto/kem.test.ts'),
    ],
  ),
]
