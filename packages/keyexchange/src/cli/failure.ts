/** What each error means to a person: an exit code and a hint to act on. */
import { CountersignError, type ErrorCode } from '@countersign/core'
import { CliError, EXIT, type ExitCode } from './exit.ts'

/** A failure as it is printed: two lines, and an exit status. */
export interface Failure {
  /** The literal, stable code: of @countersign/core's errors, of Node's system errors, or an ExitCode */
  readonly code: string
  readonly exit: number
  readonly message: string
  readonly hint: string
}

type Row = readonly [ExitCode, hint: string]

const BROKEN_PEER: Row = ['REFUSED', 'the two sides may run different versions; compare them with --version']
const OTHER_PROTOCOL: Row = ['WRONG_PEER', 'check the address: something other than the pinned peer answers there']
const FULL: Row = ['STORAGE', 'free space on the disk, or repair it, and run this again']

/** Every code of @countersign/core: a new one does not compile until it has its row. */
const CORE: Readonly<Record<ErrorCode, Row>> = {
  KEY_FORMAT: [
    'BAD_KEY',
    'a key is one PEM block: PKCS#8 for a private key, SPKI for a public one; `keys convert` reads other forms',
  ],
  KEY_TYPE: ['BAD_KEY', 'use Ed25519, RSA of 2048, 3072 or 4096 bits, or ML-DSA-65: `keys init --type ...` makes one'],
  KEY_WEAK: ['BAD_KEY', 'make a new key with `keys init`; ask where this one comes from'],
  KEY_PRIVATE: ['BAD_KEY', 'keep that file to yourself; hand out identity.pub.pem, which `keys export` prints'],
  KEY_PASSPHRASE: ['BAD_KEY', 'give the passphrase at the prompt, by --passphrase-file or COUNTERSIGN_PASSPHRASE_FILE'],
  OPTION: ['USAGE', 'see --help for what the options mean'],
  MESSAGE_FORM: ['USAGE', 'see --help for what a message may hold'],
  MESSAGE_TOO_LONG: ['REFUSED', 'send it in parts, or ask the peer to take longer messages'],
  PEER_NOT_RECEIVING: ['REFUSED', 'it will be sent when the peer next connects to receive'],
  SESSION_ENDED: ['NETWORK', 'run it again to open a new session'],
  ABORTED: ['INTERRUPTED', 'run it again to go on'],
  STORAGE: FULL,
  BACKUP: [
    'USAGE',
    'move it and its -items away, then bring it back by `inbox restore FILE`, which gives it a journal id of its own',
  ],
  PLACE_MOVED: ['STORAGE', 'let only one server at a time use this state folder'],
  HELLO_REJECTED: OTHER_PROTOCOL,
  FRAME: OTHER_PROTOCOL,
  ENCODING: OTHER_PROTOCOL,
  NOT_AUTHENTIC: OTHER_PROTOCOL,
  WRONG_PEER: [
    'WRONG_PEER',
    'compare `keys show` here with `keys list` there; after a change of keys swap them anew: `keys swap`',
  ],
  OWN_KEY: ['CONFLICT', 'each side needs a key of its own: do not copy a home to another machine'],
  UNTRUSTED: ['REFUSED', 'the other side must hold your public key: run `keys swap` on both'],
  REVOKED: ['CONFLICT', 'make a new key (`keys rotate`, or `keys init` in a new home) and swap it: `keys swap`'],
  REFUSED: ['REFUSED', 'ask the operator of the other side'],
  BUSY: ['REFUSED', 'wait a little and run it again'],
  BAD_SIGNATURE: ['EVIDENCE', "do not rely on it; keep both sides' files and compare them"],
  PROTOCOL: BROKEN_PEER,
  LIMIT: BROKEN_PEER,
  GAP: BROKEN_PEER,
  RECEIPT: ['EVIDENCE', 'keep the outbox and ask the operator of the other side: its receipts do not fit'],
  SUPERSEDED: ['REFUSED', 'let only one client at a time use this home'],
  CLOSED_BY_PEER: ['REFUSED', 'run it again; what has no receipt is sent anew'],
  PEER_STORAGE: ['REFUSED', 'the other side must make room; what has no receipt stays queued'],
  MESSAGE_REFUSED: ['REFUSED', 'ask the operator of the other side which messages it takes; its refusal is signed and kept'],
  MESSAGE_CONFLICT: ['EVIDENCE', 'this outbox was copied or restored: go on with a fresh one'],
  MESSAGE_WITHDRAWN: ['DECLINED', 'send it again if it was withdrawn by mistake'],
  SERVER_REGRESSED: ['EVIDENCE', 'keep the receipts: they prove what the other side had stored'],
  OUTBOX_BEHIND: ['EVIDENCE', 'this outbox was restored from an older copy: go on with a fresh one'],
  CONNECT: ['NETWORK', 'check the address, and that the other side runs and can be reached'],
  NO_ANSWER: ['WRONG_PEER', "check the address, and that both sides hold each other's present key"],
  TRUNCATED: ['NETWORK', 'run it again; what has no receipt is sent anew'],
  INTERNAL: ['INTERNAL', 'please report it with the command that led to it'],
  IDLE: ['NETWORK', 'check the network, and run it again'],
}

const DENIED: Row = ['PERMISSIONS', 'check who owns the file or folder and what its modes allow']
const UNREACHABLE: Row = CORE.CONNECT

/** Node's system errors, by `code`. */
const SYSTEM: Readonly<Record<string, Row>> = {
  EACCES: DENIED,
  EPERM: DENIED,
  ENOENT: ['MISSING', 'check the path'],
  ENOTDIR: ['MISSING', 'check the path: a part of it is not a folder'],
  EBADF: ['USAGE', 'name a descriptor that is open: `--passphrase-fd 3 3< FILE`'],
  ELOOP: ['MISSING', 'check the path: its links lead in a circle'],
  ENAMETOOLONG: ['USAGE', 'check the path: a name in it is too long'],
  ERR_STRING_TOO_LONG: ['BAD_KEY', 'name the file of a key: this one is far too long'],
  EISDIR: ['USAGE', 'name a file, not a folder'],
  EEXIST: ['EXISTS', 'choose another name, or move the old file away'],
  ENOSPC: FULL,
  EDQUOT: FULL,
  EIO: FULL,
  EROFS: ['STORAGE', 'use a folder that can be written: --root, or COUNTERSIGN_HOME'],
  EADDRINUSE: ['NETWORK', 'another program listens there: stop it or choose another port'],
  EADDRNOTAVAIL: ['NETWORK', 'listen on an address of this machine'],
  ECONNREFUSED: UNREACHABLE,
  ECONNRESET: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ENOTFOUND: UNREACHABLE,
  EAI_AGAIN: UNREACHABLE,
  EPIPE: UNREACHABLE,
  ETIMEDOUT: UNREACHABLE,
}

/** Says what anything thrown means to a person. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof CliError) return { code: error.code, exit: error.exit, message: error.message, hint: error.hint }
  if (error instanceof CountersignError) return row(error.code, CORE[error.code as ErrorCode], error.message)
  if (error instanceof Error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    const known = SYSTEM[code]
    if (known) return row(code, known, error.message)
    if (error.name === 'AbortError') return row('ABORTED', CORE.ABORTED, 'interrupted')
    if (error.name === 'TimeoutError') return row('ETIMEDOUT', UNREACHABLE, 'no answer in time')
  }
  const message = `a fault of this program: ${error instanceof Error ? error.message : String(error)}`
  return row('INTERNAL', ['INTERNAL', 'nothing more was done; please report it with the command that led to it'], message)
}

/** Several failures as one: the exit code and the hint of the first stand for all. */
export function unsoundness(failures: readonly Failure[]): CliError {
  const [{ exit, hint } = describeFailure(undefined)] = failures
  const code = (Object.keys(EXIT) as ExitCode[]).find((name) => EXIT[name] === exit)!
  const what = failures.length === 1 ? 'one thing is not as it' : `${failures.length} things are not as they`
  return new CliError(code, `${what} should be; nothing more was changed`, hint)
}

function row(code: string, [exit, hint]: Row, message: string): Failure {
  return { code, exit: EXIT[exit], message, hint }
}
