/** Every check that the protocol's text demands, each taken out once. */
import { core, keyexchange, type Mutant, within } from './mutant.ts'

const handshake = core('handshake', 'node/connect-listen.test.ts')
const session = core('session')
const receiver = core('delivery')
const keys = core('crypto/keys.test.ts', 'crypto/traps.test.ts', 'crypto/ed25519.test.ts')
const signatures = core('crypto/signature.test.ts', 'crypto/traps.test.ts')
const layouts = core('wire', 'handshake')

export const mutants: readonly Mutant[] = [
  ...within(
    'packages/core/src/handshake/server.ts',
    handshake,
    ['gate', 'equal(start.gate, gate(publicKey.id, gated))', 'true || equal(start.gate, gate(publicKey.id, gated))'],
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
    [
      'client’s signature',
      'if (key) return verifyPeer(peer, key, signed, signature)',
      'if (key) return verifyPeer(peer, key, signed, signature) ?? ({ ...peer, key } as VerifiedPeer)',
    ],
    ['client’s MAC', 'if (verified === undefined || !macHolds)', 'if (verified === undefined)'],
    [
      'client’s transcript names the server',
      'const tc = clientTranscript(t2, identity.publicKey.id, clientProof.payload)',
      'const tc = clientTranscript(t2, new Uint8Array(32), clientProof.payload)',
    ],
    [
      'unknown keyId is trusted by nobody',
      'const known = ownKey(identities, client.keyId) ?? (yield* trust(client.keyId))',
      'const known = ownKey(identities, client.keyId) ?? (yield* trust(identities[0]!.publicKey.id)) ?? (yield* trust(client.keyId))',
      'a look-up that is asked twice changes nothing: the proof is verified against what it answers',
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
    ['server’s keyId', 'if (!equal(server.keyId, serverKeyId)) throw', 'if (server.keyId.length !== 32) throw'],
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
    ['ends of encodings', "if (length > this.left) throw new PeerError('ENCODING', 'cut short')", ''],
    ['nothing left over', "if (this.left > 0) throw new PeerError('ENCODING', 'bytes left over')", ''],
    ['padding of zeros', "if (!isZero(area.take(area.left))) throw new PeerError('ENCODING', 'padding that is not zero')", ''],
    [
      'numbers up to 2^53',
      "    readU64(reader, () => {\n      throw new PeerError('ENCODING', 'a number above 2^53')\n    }),",
      '    readU64(reader, (high, low) => high * 2 ** 32 + low),',
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
    ['what is not authentic is not handed out', '      this.#decipher.final()\n', ''],
    ['frame header as associated data', '    this.#decipher.setAAD(aad)\n', ''],
    ['nonces differ', 'bytes[8 + i]! ^= seq >>> (24 - 8 * i)', 'bytes[8 + i]! ^= 0 * seq'],
    ['nonces differ past 2^32', 'bytes[4 + i]! ^= high >>> (24 - 8 * i)', 'bytes[4 + i]! ^= 0 * high'],
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
  ...within(
    'packages/core/src/delivery/receiver.ts',
    receiver,
    ['length of a statement', "if (length > MAX_STATEMENT) throw new PeerError('ENCODING', 'a statement that is too long')", ''],
    [
      'from',
      'peer.keys.find(({ id }) => equal(id, statement.from))',
      'peer.keys.find(({ id }) => id.length === statement.from.length)',
    ],
    ['to', 'if (!ownKeys.some(({ id }) => equal(id, statement.to))) throw', 'if (ownKeys.length === 0) throw'],
    ['outbox id', 'if (!equal(statement.outbox, place.outbox)) throw', 'if (place.outbox.length === 0) throw'],
    ['message signature', "if (!verify(key, signed, signature)) throw new PeerError('BAD_SIGNATURE', 'of a message')", ''],
    [
      'length of a message signature',
      "if ((await this.#parts.u32()) !== key.signatureLength) throw new PeerError('BAD_SIGNATURE', 'of a wrong length')",
      'await this.#parts.u32()',
    ],
    ['gap', 'if (statement.first > next) throw', 'if (statement.first > 2 ** 53) throw'],
    ['lengths below 2^53', "if (total >= MAX_U64) throw new PeerError('ENCODING', 'lengths that cannot be')", ''],
    ['16 MiB of several messages', 'if (count > 1 && total > MAX_BATCH) throw', 'if (count > 1 && total > 2 ** 60) throw'],
    [
      'offset that was announced',
      "if (offset !== 0 && !resumes) throw new PeerError('PROTOCOL', 'an offset that was not announced')",
      '',
    ],
    [
      'longest item',
      'if (lengths.some((length) => length > maxItem)) return false',
      'if (lengths.length > maxItem) return false',
    ],
    [
      'conflicts have an end',
      'this.#ledger.head.conflicts < MOST_CONFLICTS',
      'this.#ledger.head.conflicts < MOST_CONFLICTS * 1000',
    ],
    [
      'the same envelope gets the same receipt',
      'if (known !== undefined) this.#ledger.answer(Promise.resolve(known))',
      'if (known === null) this.#ledger.answer(Promise.resolve(known))',
    ],
    [
      'leaf of a short item',
      'if (!equal(sha256(item), leaves.subarray(LEAF_LENGTH * i, LEAF_LENGTH * (i + 1)))) {',
      'if (leaves.length < LEAF_LENGTH * i) {',
    ],
    [
      'leaf of a long item',
      'if (!equal(item.leaf(), statement.leaves)) {',
      'if (item.leaf().length !== statement.leaves.length) {',
    ],
    [
      'form of an item',
      "if (head === undefined || head === 'more') refused = true",
      "if (head === undefined || head === 'more') refused = items.length > 9999",
    ],
    ['length of a resumed item', 'if (spool.length !== length) {', 'if (spool.length < 0) {'],
    [
      'policy before a body is stored',
      'return policy?.envelope === undefined || (await policy.envelope({ peer, first, lengths }))',
      'return policy?.envelope === undefined || (await policy.envelope({ peer, first, lengths })) || true',
    ],
  ),
  ...within(
    'packages/core/src/delivery/part-stream.ts',
    receiver,
    [
      'envelope cut short',
      "if (piece === END) throw new PeerError('ENCODING', 'an envelope cut short')",
      'if (piece === END) throw new Abandoned()',
    ],
    ['envelope longer than it says', "if (piece !== END) throw new PeerError('ENCODING', 'an envelope longer than it says')", ''],
    ['refused body longer than it said', "if (left < 0) throw new PeerError('ENCODING', 'an envelope longer than it says')", ''],
    [
      'crumbs are joined',
      'last.length + piece.length > JOINED) pieces.push(piece)',
      'last.length + piece.length > 0) pieces.push(piece)',
    ],
  ),
  ...within(
    'packages/core/src/delivery/sender.ts',
    receiver,
    [
      'receipt for what was sent',
      "if (flight === undefined) throw new PeerError('RECEIPT', 'nothing was sent that it could be for')",
      'if (flight === undefined) return',
    ],
    ['receipt’s from', 'const key = peer.keys.find(({ id }) => equal(id, statement.from))', 'const key = peer.keys.at(-1)'],
    [
      'receipt’s to',
      "if (!ownKeys.some(({ id }) => equal(id, statement.to))) throw new PeerError('RECEIPT', 'to another sender')",
      "if (ownKeys.length === 0) throw new PeerError('RECEIPT')",
    ],
    [
      'receipt’s outbox id',
      "if (!equal(statement.outbox, outboxId)) throw new PeerError('RECEIPT', 'of another outbox')",
      'void outboxId',
    ],
    [
      'receipt’s number, count and digest',
      'if (statement.first !== first || statement.count !== count || !equal(statement.digest, digest)) {',
      'if (first + count + digest.length < 0) {',
    ],
    [
      'receipt’s signature',
      'if (!verify(key, pae(RECEIPT_TYPE, receipt.statement), receipt.signature))',
      'if (!verify(key, pae(RECEIPT_TYPE, receipt.statement), receipt.signature) && receipt.signature.length === 0)',
    ],
    [
      'chain of receipts',
      'if (statement.index !== index + 1 || !equal(statement.chain, expected)) {',
      'if (statement.index < index + 1) {',
    ],
    [
      'index of receipts',
      'if (statement.index !== index + 1 || !equal(statement.chain, expected)) {',
      'if (!equal(statement.chain, expected)) {',
      'the chain covers the index: another index needs another chain, which its signer can make, and then the next receipt does not continue it',
    ],
  ),
  ...within('packages/core/src/delivery/memory-journal.ts', receiver, [
    'place check inside the append',
    "if (index !== found.head.index + 1) return Promise.reject(new LocalError('PLACE_MOVED'))",
    '',
  ]),
  ...within(
    'packages/core/src/node/admission.ts',
    { attack: 'load/caps.ts' },
    ['open handshakes of one address', 'open >= this.#mostPerAddress', 'open >= 100_000'],
    ['open handshakes in all', 'this.#all >= this.#most ||', 'this.#all >= 100_000 ||'],
  ),
  ...within(
    'packages/core/src/node/secure.ts',
    core('node', 'handshake'),
    [
      'deadline of a handshake',
      "const timer = setTimeout(() => fail(new NetworkError('NO_ANSWER')), Math.max(0, ms))",
      'const timer = setTimeout(() => {}, Math.max(0, ms))',
    ],
    [
      'silence lasts until the deadline',
      '      await within(wire.closed, left(), signal, () => {}).catch(() => {})\n',
      '',
      { attack: 'wire/other-protocols.ts' },
    ],
  ),
  ...within('packages/core/src/node/secure-session.ts', { attack: 'load/never-reads.ts' }, [
    'back-pressure: unread answers',
    ' || this.#outlet.full) this.#hold()',
    ') this.#hold()',
  ]),
  ...within('packages/core/src/node/wire.ts', core('node'), [
    'bytes ahead of the handshake',
    'if (this.#available > MOST_AHEAD) this.#stream.pause()',
    '',
  ]),
  ...within(
    'packages/keyexchange/src/swap/protocol.ts',
    keyexchange('swap/protocol.test.ts', 'attacks'),
    ['magic and version', 'if (!equal(magic, MAGIC) || version !== VERSION) throw stranger()', 'void [magic, version]'],
    ['identity point', '  if (!shared) throw stranger()\n', ''],
    [
      'listener’s confirmation',
      "if (!equal(mac, side('listener'))) throw codeMismatch()",
      'if (mac.length === 0) throw codeMismatch()',
    ],
    [
      'dialer’s confirmation',
      "if (!unspent || !equal(mac, side('dialer'))) throw codeMismatch()",
      'if (!unspent) throw codeMismatch()',
    ],
    [
      'a code is spent once',
      "if (!unspent || !equal(mac, side('dialer'))) throw codeMismatch()",
      "if (!equal(mac, side('dialer'))) throw codeMismatch()",
    ],
    [
      'proof of possession',
      '!verify(publicKey, signedText(role, transcriptHash, spki, name), signature)',
      '!verify(publicKey, signedText(role, transcriptHash, spki, name), signature) && name.length > 999',
    ],
    ['form of the name', 'if (text === undefined || !isName(text)) {', 'if (text === undefined) {'],
    ['decline', 'if (verdict === VERDICT.accept) return', 'if (verdict !== undefined) return'],
  ),
  ...within(
    'packages/keyexchange/src/swap/frames.ts',
    keyexchange('swap/protocol.test.ts', 'attacks'),
    ['lengths of frames', '  if (!fits(length)) throw stranger()\n', ''],
    ['AEAD of sealed frames', '    if (!plaintext) throw stranger()\n', '    if (!plaintext) return new Uint8Array(0)\n'],
  ),
]
