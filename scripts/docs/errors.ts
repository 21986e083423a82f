/** docs/ERRORS.md: every code, whose fault it is, what to do about it, and how a program ends by it. */
import { CountersignError, ERRORS, type ErrorCode, type Fault, LocalError, NetworkError, PeerError } from '@countersign/core'
import { describeFailure, EXIT } from '@countersign/keyexchange/cli'
import { retriable } from '@countersign/store'

const faults: Readonly<Record<Fault, string>> = {
  local: 'This side: its caller, its configuration or its disk. `LocalError`.',
  peer: 'The peer, or whoever answers in its place. `PeerError`.',
  network: 'What lies between the two. `NetworkError`.',
}

const exits: Readonly<Record<keyof typeof EXIT, string>> = {
  DONE: 'done',
  INTERNAL: 'a fault of the program',
  USAGE: 'wrong usage',
  EXISTS: 'exists already, and was left as it is',
  MISSING: 'a key, peer, message or file that is not there',
  PERMISSIONS: 'a file that others can read or write, or that cannot be read',
  BAD_KEY: 'a bad key, or a wrong passphrase',
  CODE_MISMATCH: 'the code of a swap did not match',
  NETWORK: 'the network, or no answer in time',
  DECLINED: 'a person said no',
  CONFLICT: 'a conflict with a pinned or revoked key',
  REFUSED: 'refused by the peer',
  WRONG_PEER: 'not the pinned peer, or something else answers there',
  EVIDENCE: 'evidence, a receipt or a journal that does not verify',
  STORAGE: 'the disk',
  INTERRUPTED: 'interrupted',
}

const classes = { local: LocalError, peer: PeerError, network: NetworkError } as const

function rowOf(code: ErrorCode): string {
  const { fault, message } = ERRORS[code]
  const error: CountersignError = new classes[fault](code as never)
  const { exit, hint } = describeFailure(error)
  return `| \`${code}\` | ${message} | ${hint.replaceAll('|', String.raw`\|`)} | ${exit} | ${retriable({ error }) ? 'yes' : ''} |`
}

export function errorsDocument(): string {
  const codes = Object.keys(ERRORS) as ErrorCode[]
  const sections = Object.entries(faults).map(([fault, who]) => [
    `## ${fault}`,
    '',
    who,
    '',
    '| code | means | what to do | exit | tried again |',
    '| --- | --- | --- | --- | --- |',
    ...codes.filter((code) => ERRORS[code].fault === fault).map(rowOf),
    '',
  ])
  return [
    '# Errors',
    '',
    '<!-- Made by `pnpm run docs` from packages/core/src/errors.ts, packages/keyexchange/src/cli and packages/store/src/client.ts. -->',
    '',
    'Every error of @countersign/core and @countersign/store is a `CountersignError` with one of these codes and one of three faults:',
    'ask with `isError(error, code)`, or by `error.code`. A code keeps its meaning for good; what a message says may change. `cause`',
    'holds what was underneath: an error of Node, or the signed receipt of a message that was refused.',
    '',
    'The three programs, and the functions of @countersign/keyexchange, print or throw the same: one line `error:`, one line `hint:`,',
    'which is the column "what to do", and the exit status. "Tried again" is what @countersign/store\'s `connect` does by itself, with a',
    "growing pause; elsewhere that is the caller's decision.",
    '',
    ...sections.flat(),
    '## Exit status',
    '',
    'The same in all three programs. @countersign/keyexchange throws a `CliError` whose `code` is the name.',
    '',
    '| status | name | means |',
    '| --- | --- | --- |',
    ...(Object.keys(exits) as (keyof typeof EXIT)[]).map((name) => `| ${EXIT[name]} | \`${name}\` | ${exits[name]} |`),
    '',
  ].join('\n')
}
