/** Who waits for an acknowledgement: first come, first served. */
export class Waiting {
  #callbacks: (() => void)[] = []
  #first = 0

  push(callback: () => void): void {
    this.#callbacks.push(callback)
  }

  acknowledge(count: number): void {
    for (let i = 0; i < count; i++) this.#callbacks[this.#first++]!()
    if (this.#first < 4096) return
    this.#callbacks = this.#callbacks.slice(this.#first)
    this.#first = 0
  }
}
