/** Checks of delivery, and of whoever knocks. */
import { core, keyexchange, type Mutant, store, within } from './mutant.ts'

const receiver = core('delivery')
const caps = { attack: 'load/caps.ts' }

export const deliveryMutants: readonly Mutant[] = [
  ...within(
    'packages/core/src/delivery/receiver.ts',
    receiver,
    [
      'length of a statement',
      "if (length > MAX_STATEMENT) throw new PeerError('ENCODING', 'a statement that is too long')",
      '',
      { attack: 'peer/statements.ts' },
    ],
    [
      'from',
      'peer.keys.find(({ id }) => equal(id, statement.from))',
      'peer.keys.find(({ id }) => id.length === statement.from.length)',
    ],
    ['to', 'if (!ownKeys.some(({ id }) => equal(id, statement.to))) throw', 'if (ownKeys.length === 0) throw'],
    ['outbox id', 'if (!equal(statement.outbox, place.outbox)) throw', 'if (place.outbox.length === 0) throw'],
    [
      'message signature',
      "if (!verify(key, covered, message.signature)) throw new PeerError('BAD_SIGNATURE', 'of a message')",
      '',
    ],
    [
      'length of a message signature',
      "if (!known) throw new PeerError('BAD_SIGNATURE', 'of a wrong length')",
      '',
      { attack: 'peer/statements.ts' },
    ],
    [
      'bytes that wait for their answers',
      'this.#share.unanswered >= MOST_UNANSWERED_BYTES',
      'this.#share.unanswered >= 2 ** 50',
      core('delivery/memory.test.ts'),
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
      'if (known !== undefined) this.#ledger.answer(known)',
      'if (known === null) this.#ledger.answer(known)',
    ],
    [
      'leaf of a short item',
      "if (items.map(sha256Text).join('') !== view(incoming.statement.leaves).toString('latin1')) return",
      "if (items.map(sha256Text).join('').length !== view(incoming.statement.leaves).length) return",
    ],
    [
      'leaf of a long item',
      'if (!equal(item.leaf(), statement.leaves)) {',
      'if (item.leaf().length !== statement.leaves.length) {',
    ],
    ['form of an item', 'const formed = parsed.length === items.length', 'const formed = parsed.length <= items.length'],
    ['length of a resumed item', 'if (spool.length !== length) {', 'if (spool.length < 0) {'],
    [
      'policy before a body is stored',
      'return policy?.envelope?.({ peer, place, first, lengths, partial }) ?? true',
      'return policy?.envelope?.({ peer, place, first, lengths, partial }) === undefined || true',
    ],
    ['what stands whole is taken at its number alone', 'if (statement.first !== next || next <', 'if (next <'],
    ['what stands whole has all its items, and nothing behind them', '&& total === reader.left && total', '&& total'],
    ['what stands whole begins at its start', 'return offset === 0 && total', 'return total'],
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
      'last.length + piece.length > GATHERED) pieces.push(piece)',
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
      'if (!verify(key, lentPae(RECEIPT_TYPE, receipt.statement), receipt.signature))',
      'if (!verify(key, lentPae(RECEIPT_TYPE, receipt.statement), receipt.signature) && receipt.signature.length === 0)',
    ],
    ['chain of receipts', ' && equal(chain, nextChain(head.chain, statement, message.signature))', ''],
    ['index of receipts', 'const continues = index === head.index + 1 && ', 'const continues = '],
    [
      'leaps of the chain',
      "head.incomplete === 'perhaps' ? statement.outcome === OUTCOME.conflict : head.incomplete === true",
      "head.incomplete === 'perhaps' || head.incomplete === true",
    ],
    [
      'no leap of the chain where nothing is missing',
      'head.incomplete === true\n    if',
      'statement.outcome === OUTCOME.conflict\n    if',
    ],
    ['leaps of the chain go forward', 'missing && index > head.index + 1', 'missing && index !== head.index + 1'],
    ['one leap of the chain', '{ ...(continues && head), index, chain }', '{ ...head, index, chain }'],
    [
      'of receipts further back only what is held',
      'if (next === undefined && !(await outbox.holds?.(peer, flight.envelope, receipt))) {',
      'if (next === undefined && !outbox.holds) {',
    ],
  ),
  ...within(
    'packages/store/src/outbox-tables.ts',
    store('decided.test.ts'),
    ['an envelope is decided once', 'if (decided(row)) {', 'if (decided(row) && row.moved < 0) {'],
    ['what was signed anew is not signed anew again', "const AGAIN = 'again > 0 AND moved = 0'", "const AGAIN = 'again > 0'"],
  ),
  ...within('packages/core/src/delivery/memory-journal.ts', receiver, [
    'place check inside the append',
    "if (index !== found.head.index + 1) return Promise.reject(new LocalError('PLACE_MOVED'))",
    '',
  ]),
  ...within(
    'packages/core/src/node/admission.ts',
    core('node/admission.test.ts'),
    ['open handshakes of one address', 'own.visits.size >= this.#mostPerAddress', 'own.visits.size >= 100_000', caps],
    ['open handshakes in all', 'this.#open >= this.#most && !makeRoom', 'this.#open >= 100_000 && !makeRoom', caps],
    ['strangers make room', '    stranger.turnAway()\n    return true', '    return false', caps],
    ['whoever is past the gate makes no room', 'known: () => void strangers.delete(visit)', 'known: () => {}'],
    [
      'a recording is a stranger’s in a crowd',
      'return own >= this.#mostPerAddress / CROWD || this.#open >= this.#most / CROWD',
      'return own < 0',
    ],
    [
      'a recording is answered where there is room',
      'return own >= this.#mostPerAddress / CROWD || this.#open >= this.#most / CROWD',
      'return own >= 0',
    ],
    ['the address with most strangers makes room', 'if (more > 0 ||', 'if (fullest === undefined ||'],
    ['a place is given back once', 'if (!visits.delete(visit)) return', 'visits.delete(visit)'],
  ),
  ...within(
    'packages/core/src/delivery/memory.ts',
    core('delivery/memory.test.ts'),
    ['memory of all sessions', 'while (this.#held > this.#most', 'while (this.#held > 2 ** 50'],
    ['whoever holds most makes room', 'if (share.unfinished > (largest', 'if (share.unfinished < (largest'],
    [
      'back-pressure before anybody is ended',
      'if ([...this.#shares].every(({ unanswered }) => unanswered === 0)) this.#endLargest()\n      else',
      'if (this.#shares.size > 0) this.#endLargest()\n      else',
    ],
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
      '      await within(wire.gone(), left(), signal, () => {}).catch(() => {})\n',
      '',
      { attack: 'wire/other-protocols.ts' },
    ],
    [
      'who is not trusted any more takes no place',
      'await requireTrust(peers, session.peer.key)\n    await takeOver(session)',
      'await takeOver(session)',
    ],
    ['revoked before the first record', "if ('revoked' in known) throw new PeerError('REVOKED')", ''],
    [
      'forgotten before the first record',
      "if (known === undefined) throw new PeerError('UNTRUSTED')",
      'if (known === undefined) return',
    ],
  ),
  ...within('packages/core/src/delivery/exchange.ts', core('node/takeover.test.ts'), [
    'a newer session waits for all before it',
    'await this.#ready?.catch(() => {})',
    '',
  ]),
  ...within('packages/core/src/delivery/memory-journal.ts', core('delivery/memory-journal.test.ts'), [
    'one writer of a long item',
    "if (this.#over) return Promise.reject(new LocalError('PLACE_MOVED'))",
    '',
  ]),
  ...within(
    'packages/keyexchange/src/home/home.ts',
    keyexchange('home/watch.test.ts'),
    ['trust as it stands now', 'if (this.#changed) this.reload()', ''],
    ['what changed before the watch began', 'notice()\n    lookInTime()\n    return', 'lookInTime()\n    return'],
    ['the end of an overlap', 'if (from <= end && end < to) return true', 'if (from > end) break'],
  ),
  ...within('packages/keyexchange/src/home/trust.ts', keyexchange('home/meanwhile.test.ts'), [
    'links are read behind what they lead to',
    `const peers = readKeyFiles(paths.peers, 'left out', cache, onProblem)
      const revoked = readKeyFiles(paths.revoked, 'counts', cache, onProblem)
      const links = readLinks(paths, onProblem)`,
    `const links = readLinks(paths, onProblem)
      const peers = readKeyFiles(paths.peers, 'left out', cache, onProblem)
      const revoked = readKeyFiles(paths.revoked, 'counts', cache, onProblem)`,
  ]),
  ...within('apps/server/src/quotas.ts', { attack: 'peer/all-at-once.ts' }, [
    'what is let through counts at once',
    'if (!one.counts) continue',
    'if (one.counts) continue',
  ]),
  ...within('apps/server/src/policy.ts', { attack: 'peer/all-at-once.ts' }, [
    'what a session was let through with is given back',
    'over: (place) => quotas?.over(place),',
    '',
  ]),
  ...within('packages/core/src/node/secure-session.ts', core('node/unread-answers.test.ts'), [
    'back-pressure: unread answers',
    ' || this.#outlet.full) this.#hold()',
    ') this.#hold()',
  ]),
  ...within(
    'packages/core/src/node/wire.ts',
    core('node/wire.test.ts'),
    ['bytes ahead of the handshake', 'if (this.#available > MOST_AHEAD) this.#stream.pause()', ''],
    [
      'the end of a stream that was over before',
      'if (stream.readableEnded || stream.destroyed) this.#end(stream.errored ?? undefined)',
      '',
    ],
  ),
]
