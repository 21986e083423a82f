/** Where the programs can be told to die. */

/**
 * A server: `appending` before its commit, `committing` while that is on its way, `committed` after it and before the
 * receipt, `receipted` after that; `body` inside a long body.
 */
export const SERVER_POINTS = ['appending', 'committing', 'committed', 'receipted', 'body'] as const

/**
 * A client: `enqueuing` while its outbox commits, `enqueued` after that, `sending` inside an envelope, `receipt` when one
 * has come and before that is committed, `settled` after that.
 */
export const CLIENT_POINTS = ['enqueuing', 'enqueued', 'sending', 'receipt', 'settled'] as const
