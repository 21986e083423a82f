/** What each side does with each frame, what an eavesdropper has of it, and what the secrets are for. */
import type { FrameName, KindName } from '@countersign/core/protocol'

export interface Lesson {
  readonly title: string
  readonly client: string
  readonly server: string
  readonly eavesdropper: string
}

/** What nobody can see of a record but its peers. */
const SOME_RECORD = 'Sees a RECORD, how long it is and when it came. What kind it is, and what it says, is sealed.'

type Name = Exclude<FrameName, 'RECORD'> | KindName

export const LESSONS: Readonly<Partial<Record<Name, Lesson>>> = {
  HELLO: {
    title: 'The client begins',
    client: 'C1: makes a key pair for this one connection, and keys the gate with the public key of the server that it wants.',
    server:
      'S1: checks magic, version and gate before any other work; if one fails, it sends nothing. S2: encapsulates a secret to the fresh key.',
    eavesdropper:
      'Sees a fresh public key and a MAC. Neither says who the client is. Whoever holds the public key of a server can test whether the gate was made for it.',
  },
  'HELLO+ACK': {
    title: 'The server proves who it is',
    client:
      'C2: takes the secret out, and derives the keys of the handshake. C3: opens the proof and goes on only if it is the pinned server’s.',
    server: 'S3: signs all that was sent so far, adds a MAC, and seals both with a key of the shared secret.',
    eavesdropper:
      'Sees a ciphertext that only the fresh key opens, and sealed bytes. Not who answered, and not which type of key it has.',
  },
  ACK: {
    title: 'The client proves who it is',
    client: 'C4: names itself, signs all that was sent so far, and seals it: only to the server that has just proved itself.',
    server: 'S4: opens it, and checks its form. S5: looks the key up, and verifies signature and MAC.',
    eavesdropper: 'Sees sealed bytes, as many as for any client.',
  },
  'SESSION-KEY': {
    title: 'The server gives the session key',
    client:
      'C5: opens it, and unwraps the key where its identity is RSA. C6: checks the confirmation, and derives the keys of the session.',
    server:
      'S6: draws 32 fresh bytes, encrypts them to this client, and shows by a MAC that it holds the same keys. S7: derives the keys of the session.',
    eavesdropper: 'Sees sealed bytes, as many as for a refusal: not even whether the client was let in.',
  },
  PING: {
    title: 'The first record: the client holds the keys',
    client: 'Sends it at once, so that the server need not wait for a message.',
    server: 'Until a first record has opened, it sends nothing and delivers nothing.',
    eavesdropper: SOME_RECORD,
  },
  PONG: {
    title: 'The server answers',
    client: 'Knows that the server hears it, and how long the way is.',
    server: 'Sends the same eight bytes back.',
    eavesdropper: SOME_RECORD,
  },
  'MESSAGE-END': {
    title: 'The message, signed by its sender',
    client:
      'Signs a statement with the hash of the message, and sends statement, signature and message. It keeps them until the receipt is there.',
    server: 'Verifies the signature before it keeps a byte, and the hash before it hands the message on.',
    eavesdropper: `${SOME_RECORD} The length of the message shows in that of the record.`,
  },
  RECEIPT: {
    title: 'The receipt, countersigned by the receiver',
    client: 'Verifies that it is for this message, and continues the chain. It is the proof that the message came.',
    server: 'Countersigns what became of the message, once that is true.',
    eavesdropper: SOME_RECORD,
  },
  CLOSE: {
    title: 'The only clean end',
    client: 'Closes once it has its receipts; and knows by the other’s CLOSE that nothing was cut off.',
    server: 'Gives the receipts that it owes, and closes.',
    eavesdropper: `${SOME_RECORD} He can cut the connection, but not make it look finished.`,
  },
}

export interface SecretLesson {
  readonly name: string
  readonly title: string
  readonly from: string
  readonly use: string
}

/** In the order in which they are derived; named as in the protocol. */
export const SECRETS: readonly SecretLesson[] = [
  {
    name: 'ss',
    title: 'Shared secret',
    from: 'X-Wing: the fresh key of HELLO and the ciphertext of HELLO+ACK',
    use: 'Everything below rests on it. Wiped at once.',
  },
  {
    name: 'hs',
    title: 'Handshake secret',
    from: 'Extract(t2k, ss), t2k hashing all before the seal of HELLO+ACK',
    use: 'Gives the next two, and goes into the last.',
  },
  {
    name: 'sHs',
    title: 'Server’s handshake secret',
    from: 'Label(hs, "server handshake", t2k)',
    use: 'Its key seals HELLO+ACK and SESSION-KEY; another one of it makes the server’s MAC.',
  },
  {
    name: 'cHs',
    title: 'Client’s handshake secret',
    from: 'Label(hs, "client handshake", t2k)',
    use: 'Its key seals ACK; another one of it makes the client’s MAC.',
  },
  {
    name: 'sessionKey',
    title: 'Session key',
    from: '32 fresh bytes of the server, in SESSION-KEY',
    use: 'The AES session key that the server gives the client.',
  },
  {
    name: 'master',
    title: 'Master secret',
    from: 'Extract(Label(hs, "derived", t3), session key), t3 hashing all up to ACK',
    use: 'Needs both: the key exchange and the session key. Makes the confirmation.',
  },
  {
    name: 'cAp',
    title: 'Client’s traffic secret',
    from: 'Label(master, "client traffic", t4), t4 hashing all up to SESSION-KEY',
    use: 'Its key seals the client’s records, until a KEY-UPDATE replaces it.',
  },
  {
    name: 'sAp',
    title: 'Server’s traffic secret',
    from: 'Label(master, "server traffic", t4)',
    use: 'Its key seals the server’s records.',
  },
]
