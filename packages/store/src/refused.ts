/** What a database refuses, beside what fails. */

const WHY = {
  /** The call does not fit what stands in the database now. */
  PLACE_MOVED: 'another process has moved on',
  /** The file is a backup, and not to be gone on with. */
  BACKUP: 'it is a backup',
} as const

/** It has written nothing: what shares its commit goes on. */
export class Refused extends Error {
  readonly code: keyof typeof WHY

  constructor(code: keyof typeof WHY = 'PLACE_MOVED') {
    super(WHY[code])
    this.code = code
  }
}
