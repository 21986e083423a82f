/** Checks of the handshake and of what is read from the wire. */
import { core, type Mutant, within } from './mutant.ts'

const handshake = core('handshake', 'node/connect-listen.test.ts')
const layouts = core('wire', 'handshake')

export const handshakeMutants: readonly Mutant[] = [
  ...within(
    'packages/core/src/handshake/heard.ts',
    core('handshake/heard.test.ts'),
    ['memory of HELLOs has an end', 'if (this.#latest.size === REMEMBERED) {', 'if (this.#latest.size === 2 ** 24) {'],
    ['what is said again stays', '    this.#latest.add(name)\n', '    if (!again) this.#latest.add(name)\n'],
    ['more than the latest are remembered', ' || this.#before.has(name)', ''],
  ),
  ...within('packages/core/src/node/listen.ts', core('node/admission.test.ts'), [
    'one memory of HELLOs for all connections',
    'this.#heard.again(gate) && this.#admission.crowded(address)',
    'new Heard().again(gate) && this.#admission.crowded(address)',
  ]),
  ...within(
    'packages/core/src/handshake/server.ts',
    handshake,
    ['gate', 'equal(start.gate, gate(publicKey.id, gated))', 'true || equal(start.gate, gate(publicKey.id, gated))'],
    [
      'a HELLO that was said before',
      "if (heard(start.gate)) throw new PeerError('HELLO_REJECTED', 'this very HELLO was said before')",
      '',
    ],
    [
      'silence where HELLO is wrong: one code for all of it',
      "throw new PeerError('HELLO_REJECTED', error.message)",
      'throw error',
    ],
    [
      'ephemeral key that fails its checks',
      "if (encapsulated === undefined) throw new PeerError('HELLO_REJECTED', 'its X-Wing key is not valid')",
      "if (encapsulated === undefined) throw new PeerError('NOT_AUTHENTIC')",
    ],
    [
      'AEAD of ACK',
      "if (ackPlain === undefined) throw new PeerError('NOT_AUTHENTIC', 'ACK does not open')",
      "if (ackPlain === undefined) throw new PeerError('UNTRUSTED')",
    ],
    ['client’s MAC', 'if (verified === undefined || !macHolds)', 'if (verified === undefined)'],
    [
      'client’s transcript names the server',
      'const tc = clientTranscript(t2, identity.publicKey.id, clientProof.payload)',
      'const tc = clientTranscript(t2, new Uint8Array(32), clientProof.payload)',
    ],
    [
      'one answer to unknown and wrong: the stand-in verification',
      '  verifyStandIn(signed, signature)\n  return undefined',
      '  return undefined',
      core('handshake', 'crypto/signature.test.ts', 'crypto/watched.test.ts'),
    ],
    ['own key', "if ('own' in known!) throw yield* refuse(secrets, 'ownKey')", ''],
    ['revoked key', "if ('revoked' in known!) throw yield* refuse(secrets, 'revoked')", ''],
    [
      'refusals tell nothing before the proof',
      "if (verified === undefined || !macHolds) throw yield* refuse(secrets, 'notTrusted')",
      "if (known !== undefined && 'revoked' in known) throw yield* refuse(secrets, 'revoked')\n    if (verified === undefined || !macHolds) throw yield* refuse(secrets, 'notTrusted')",
    ],
    [
      'session key encrypted to an RSA client',
      "verified.key.algorithm === 'rsa' ? entropy.wrap(verified.key, sessionKey, sessionKeyLabel(t3)) : sessionKey",
      'sessionKey',
    ],
  ),
  ...within('packages/core/src/handshake/peer.ts', handshake, [
    'signature of a proof',
    'return verify(key, signed, signature) ? ',
    'return verify(key, signed, signature) || key ? ',
  ]),
  ...within(
    'packages/core/src/handshake/client.ts',
    handshake,
    ['own key', "if (keyOf(peer, ownKeyId)) throw new PeerError('OWN_KEY')", ''],
    [
      'X25519 result of zero',
      "if (ss === undefined) throw new PeerError('NOT_AUTHENTIC', 'an X25519 result of zero')",
      'if (ss === undefined) throw new TypeError()',
    ],
    [
      'AEAD of HELLO+ACK',
      "if (serverPlain === undefined) throw new PeerError('NOT_AUTHENTIC', 'HELLO+ACK does not open')",
      'if (serverPlain === undefined) throw new TypeError()',
    ],
    [
      'server’s keyId',
      'if (!equal(server.keyId, serverKeyId)) throw',
      'if (server.keyId.length !== 32) throw',
      { attack: 'peer/forged-server.ts' },
    ],
    [
      'server’s signature',
      "if (verified === undefined) throw new PeerError('WRONG_PEER', 'its signature does not verify')",
      "if (verified === undefined && serverProof.signature.length === 0) throw new PeerError('WRONG_PEER', 'its signature does not verify')",
    ],
    [
      'server’s MAC',
      'if (!equal(serverProof.mac, proofMac(secrets.server.finished, ts, serverProof.signature))) {',
      'if (serverProof.mac.length !== 32) {',
    ],
    [
      'AEAD of SESSION-KEY',
      "if (opened === undefined) throw new PeerError('NOT_AUTHENTIC', 'SESSION-KEY does not open')",
      'if (opened === undefined) throw new TypeError()',
    ],
    ['refusal', 'if (opened[0] !== STATUS.accepted) throw refused(opened)', ''],
    ['unknown status is a refusal', "?? 'REFUSED'", "?? 'INTERNAL'"],
    [
      'confirm',
      'if (!equal(confirm, confirmation(confirmKey(master, t3), t3, wrapped, data))) {',
      'if (confirm.length !== 32) {',
    ],
    ['random key where OAEP fails', 'return key?.length === 32 ? key : instead', 'return key!'],
  ),
  ...within(
    'packages/core/src/handshake/transcript.ts',
    core('vectors', 'reference', 'handshake'),
    ['gate binds the server’s key', "hmac(domainHash('gate', serverKeyId), before)", "hmac(domainHash('gate'), before)"],
    ['MAC covers the signature', 'hmac(finished, extend(signed, signature))', 'hmac(finished, signed)'],
    ['confirmation covers the wrapped key and the data', 'sha256(t3, lengthPrefixed(wrapped, data))', 't3'],
    ['OAEP label binds the transcript', "concat(utf8('countersign/1 session key'), t3)", "utf8('countersign/1 session key')"],
  ),
  ...within(
    'packages/core/src/wire/frames.ts',
    layouts,
    ['type and order of frames', 'if (bytes4[0] !== type) throw', 'if (bytes4[0] === 99) throw'],
    ['length of frames', 'if (length < least || length > most) throw', 'if (length > 2 ** 24) throw'],
    ['magic', '(magic) => equal(magic, MAGIC)', '(magic) => magic.length === 4'],
    ['version', '(version) => version === VERSION', '(version) => version > 0'],
    [
      'position: next and offset',
      '({ next, offset, digest }) => next >= 1 && (offset === 0) === isZero(digest)',
      '({ next, offset, digest }) => next >= 0 && offset >= 0 && digest.length === 32',
    ],
    ['receives is 0 or 1', '(flag) => flag <= 1', '(flag) => flag <= 255'],
  ),
  ...within(
    'packages/core/src/wire/codec.ts',
    layouts,
    [
      'ends of encodings',
      "if (length > this.left) throw new PeerError('ENCODING', 'cut short')\n    this.#at += length\n    return",
      'this.#at += length\n    return',
    ],
    [
      'ends of numbers',
      "  uint(length: number): number {\n    if (length > this.left) throw new PeerError('ENCODING', 'cut short')",
      '  uint(length: number): number {',
    ],
    ['nothing left over', "if (this.left > 0) throw new PeerError('ENCODING', 'bytes left over')", ''],
    [
      'padding of zeros',
      'if (Buffer.compare(padding, zeros.subarray(0, padding.length)) !== 0) {',
      'if (padding.length > length) {',
    ],
    [
      'numbers up to 2^53',
      'read: (reader) => readU64(reader, tooLarge),',
      'read: (reader) => readU64(reader, (high, low) => high * 2 ** 32 + low),',
    ],
  ),
  ...within('packages/core/src/wire/receipt.ts', core('wire', 'delivery'), [
    'outcomes',
    '(value) => outcomes.has(value)',
    '(value) => outcomes.has(value) || true',
  ]),
  ...within(
    'packages/core/src/wire/envelope.ts',
    core('wire', 'delivery'),
    [
      'numbers and count of a statement',
      '({ first, count }) => first >= 1 && count >= 1 && count <= MAX_COUNT && first <= MAX_U64 - count',
      '({ first, count }) => first >= 0 && count >= 0',
    ],
    ['mark of an item', 'if (available[0] !== ITEM_MARK) return undefined', ''],
    ['attributes within the item', 'if (bodyAt > length) return undefined', ''],
    ['attributes ascending', 'if (last !== undefined && Buffer.compare(last, name) >= 0) return undefined', ''],
    [
      'attributes: UTF-8 without controls',
      'if (key === undefined || value === undefined || FORBIDDEN.test(key) || FORBIDDEN.test(value)) return undefined',
      'if (key === undefined || value === undefined) return undefined',
    ],
  ),
]
