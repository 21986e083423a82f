/** Checks of the swap. */
import { keyexchange, type Mutant, within } from './mutant.ts'

export const swapMutants: readonly Mutant[] = [
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
