/** The end of something that many wait for a result before. */

/** With `Promise.race` against one promise that lasts, every result that came in time would be held as long as that. */
export class Ending {
  readonly #waiting = new Set<(error: Error) => void>()
  #error: Error | undefined

  /** What has no result yet gets this error. */
  end(error: Error): void {
    this.#error ??= error
    for (const reject of this.#waiting) reject(this.#error)
  }

  /** The result, where it comes before the end. @throws what `work` throws, or the error of the end */
  before<T>(work: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    if (this.#error !== undefined) reject(this.#error)
    this.#waiting.add(reject)
    work.then(resolve, reject).finally(() => this.#waiting.delete(reject))
    return promise
  }
}
