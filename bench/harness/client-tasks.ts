/** What a client can be told to do. */
import { type Contender, type Link, pump, type Setting } from './contender.ts'

export interface Open {
  readonly port: number
  readonly count: number
  /** Handshakes under way at a time. */
  readonly atOnce: number
  /** Spread over so many loopback addresses, as one has only some 28,000 ports; 1 where it is not said. */
  readonly addresses?: number
}

export interface Pump {
  /** How many of the open links take part, the first ones. */
  readonly links: number
  /** Messages in all, and how many of a link's may be unacknowledged at a time. */
  readonly count: number
  readonly window: number
  /** Bytes of a message. */
  readonly size: number
}

export interface Pace {
  /** Messages a second, and how many in all. */
  readonly rate: number
  readonly count: number
  readonly size: number
}

/** Seconds that something took. */
export interface Took {
  readonly seconds: number
}

export interface Latencies {
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
}

export interface ClientTasks {
  open(options: Open): Promise<Took>
  close(count: number): Promise<void>
  pump(options: Pump): Promise<Took>
  bulk(length: number): Promise<Took>
  pace(options: Pace): Promise<Latencies>
}

export function clientTasks(contender: Contender, setting: Setting): ClientTasks {
  const links: Link[] = []

  /** Does `work` for each of `count`, `atOnce` of them at a time. */
  async function each(count: number, atOnce: number, work: (i: number) => Promise<void>): Promise<void> {
    let at = 0
    const worker = async (): Promise<void> => {
      while (at < count) await work(at++)
    }
    await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker))
  }

  async function timed(work: () => Promise<unknown>): Promise<Took> {
    const start = performance.now()
    await work()
    return { seconds: (performance.now() - start) / 1000 }
  }

  return {
    open({ port, count, atOnce, addresses = 1 }: Open) {
      return timed(() =>
        each(count, atOnce, async (i) => {
          links.push(await contender.dial(setting, port, `127.0.${i % addresses}.2`))
        }),
      )
    },

    async close(count: number) {
      await Promise.all(links.splice(0, count).map((link) => link.close()))
    },

    pump({ links: many, count, window, size }: Pump) {
      const body = Buffer.alloc(size, 'message ')
      const active = links.slice(0, many)
      return timed(() => Promise.all(active.map((link) => pump(link, body, Math.ceil(count / many), window))))
    },

    bulk(length: number) {
      return timed(() => links[0]!.bulk!(length))
    },

    /** Messages that leave at set times, whatever came back; each one's time counts from when it was due. */
    async pace({ rate, count, size }: Pace): Promise<Latencies> {
      const body = Buffer.alloc(size, 'message ')
      const latencies: number[] = []
      const start = performance.now()
      await new Promise<void>((resolve) => {
        let sent = 0
        const send = (): void => {
          for (; sent < count && performance.now() >= start + (sent * 1000) / rate; sent++) {
            const due = start + (sent * 1000) / rate
            links[0]!.post(body, () => {
              latencies.push(performance.now() - due)
              if (latencies.length === count) resolve()
            })
          }
          if (sent < count) setImmediate(send)
        }
        send()
      })
      const sorted = latencies.toSorted((a, b) => a - b)
      const at = (share: number): number => sorted[Math.floor(sorted.length * share)]!
      return { p50: at(0.5), p99: at(0.99) }
    },
  }
}
