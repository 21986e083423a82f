/**
 * The public surface of @countersign/keyexchange: homes of keys, as programs use them.
 *
 * ```ts
 * const home = openHome({ root: options.root, role: 'server', passphrase: passphraseAsker(options, output) })
 * const identities = await home.identities()                      // the present one first, an earlier one during a rotation
 * const trust = home.trust(keyId)                                 // { peer } | { revoked } | undefined, as core's look-up of peers answers
 * using watch = home.watch(() => endSessionsOfRevoked())          // after a change of peers/, revoked/ or chains/, or an overlap
 * home.peer('alice')                                              // by name, or the only one
 * home.stateFolder                                                // for the journal or outbox
 * ```
 *
 * The command-line frame of all three programs is `@countersign/keyexchange/cli`.
 *
 * @module @countersign/keyexchange
 */
export type { About } from './home/about.ts'
export { examine } from './home/doctor.ts'
export type { Finding } from './home/doctor.ts'
export { Home, openHome } from './home/home.ts'
export type { OpenHomeOptions } from './home/home.ts'
export { homePaths, isName, resolveRoot } from './home/layout.ts'
export type { HomePaths, Role, Root } from './home/layout.ts'
export type { AskPassphrase } from './home/own.ts'
export { requireUnwritable } from './home/permissions.ts'
export type { EvidenceKey, Problem, RevokedKey, TrustedPeer } from './home/trust.ts'
export { DEFAULT_PORT } from './home/layout.ts'
export { checkWords, keyType } from './words.ts'
