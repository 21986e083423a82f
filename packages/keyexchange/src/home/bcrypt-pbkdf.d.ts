/** The library has no types of its own. */
declare module 'bcrypt-pbkdf' {
  /** Fills `key`; 0 unless an argument is out of range. */
  function pbkdf(
    passphrase: Uint8Array,
    passphraseLength: number,
    salt: Uint8Array,
    saltLength: number,
    key: Uint8Array,
    keyLength: number,
    rounds: number,
  ): number
  const library: { readonly pbkdf: typeof pbkdf }
  export default library
}
