/** What every measure uses: contenders in turn, runs, and what comes of them. */
import { Pair, type PairOptions } from './pair.ts'

/** Several runs of one thing. */
export interface Figure {
  readonly median: number
  readonly least: number
  readonly most: number
}

export interface Row extends Figure {
  readonly name: string
  /** CPU of each side for one unit of work, in µs: medians. */
  readonly cpu?: { readonly client: number; readonly server: number }
  /** Why it was not measured. */
  readonly skipped?: string
}

/** One thing measured of several contenders, in one unit. */
export interface Table {
  readonly title: string
  readonly unit: string
  readonly better: 'more' | 'less'
  readonly rows: readonly Row[]
}

/** How cost grows with `x`: one row for each x and contender. */
export interface Series {
  readonly title: string
  readonly x: string
  readonly unit: string
  readonly lines: readonly { readonly name: string; readonly points: readonly (Figure & { readonly x: number })[] }[]
}

/** What was to be reached, and what was. */
export interface Goal {
  readonly what: string
  readonly value: number
  readonly least?: number
  readonly most?: number
}

export interface Results {
  readonly tables: readonly Table[]
  readonly series?: readonly Series[]
  readonly goals?: readonly Goal[]
}

export interface Measure {
  readonly title: string
  /** What is done, in a sentence or two: for the report. */
  readonly about: string
  run(bench: Bench): Promise<Results>
}

/** One run's value, and what it cost. */
export interface Sample {
  readonly value: number
  readonly cpu?: { readonly client: number; readonly server: number }
}

/** A contender of one checkout. */
export interface Entry {
  /** Its name in tables. */
  readonly label: string
  readonly contender: string
  readonly root: string
}

export interface BenchOptions extends PairOptions {
  readonly runs: number
  /** Shorter and less: for a look, not for figures. */
  readonly quick: boolean
  /** A second checkout to be compared with, and its name. */
  readonly against: { readonly root: string; readonly name: string } | undefined
}

export class Bench {
  readonly options: BenchOptions

  constructor(options: BenchOptions) {
    this.options = options
  }

  get quick(): boolean {
    return this.options.quick
  }

  get runs(): number {
    return this.options.runs
  }

  /** So much work: a tenth of it for a quick look. */
  work(amount: number): number {
    return this.quick ? Math.ceil(amount / 10) : amount
  }

  /** Peers and ours; in a comparison of two checkouts ours alone, of both. */
  entries(contenders: readonly string[]): readonly Entry[] {
    const { root, against } = this.options
    const own = contenders.map((contender) => ({ label: contender, contender, root }))
    if (against === undefined) return own
    return own
      .filter(({ contender }) => contender.startsWith('countersign'))
      .flatMap((entry) => [entry, { ...entry, label: `${entry.label}, ${against.name}`, root: against.root }])
  }

  start({ contender, root }: Entry): Promise<Pair> {
    return Pair.start(contender, { ...this.options, root })
  }

  /**
   * Measures contenders in turn, so that a slow moment of the machine meets all of them.
   *
   * @param prepare once for each, before the first run
   * @param act one run; the first one of each warms up and does not count
   */
  async compare(
    about: Pick<Table, 'title' | 'unit' | 'better'>,
    contenders: readonly string[],
    prepare: (pair: Pair) => Promise<unknown>,
    act: (pair: Pair, entry: Entry) => Promise<Sample>,
  ): Promise<Table> {
    const rows: Row[] = []
    const pairs: { readonly entry: Entry; readonly pair: Pair; readonly samples: Sample[] }[] = []
    try {
      for (const entry of this.entries(contenders)) {
        try {
          const pair = await this.start(entry)
          pairs.push({ entry, pair, samples: [] })
          await prepare(pair)
          await act(pair, entry)
        } catch (error) {
          const skipped = error instanceof Error ? error.message.split('\n')[0]! : String(error)
          const started = pairs.findIndex((pair) => pair.entry === entry)
          if (started >= 0) await pairs.splice(started, 1)[0]!.pair[Symbol.asyncDispose]()
          rows.push({ name: entry.label, ...figure([Number.NaN]), skipped })
          console.log(`  ${entry.label}: left out: ${skipped}`)
        }
      }
      for (let run = 0; run < this.runs; run++) {
        for (const { pair, samples, entry } of pairs) samples.push(await act(pair, entry))
      }
    } finally {
      await Promise.all(pairs.map(({ pair }) => pair[Symbol.asyncDispose]()))
    }
    return { ...about, rows: [...pairs.map(({ entry, samples }) => rowOf(entry.label, samples)), ...rows] }
  }
}

export function rowOf(name: string, samples: readonly Sample[]): Row {
  const cpus = samples.flatMap(({ cpu }) => (cpu ? [cpu] : []))
  const middle = (side: 'client' | 'server'): number => figure(cpus.map((cpu) => cpu[side])).median
  return {
    name,
    ...figure(samples.map(({ value }) => value)),
    ...(cpus.length > 0 && { cpu: { client: middle('client'), server: middle('server') } }),
  }
}

export function figure(values: readonly number[]): Figure {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { median, least: sorted[0]!, most: sorted.at(-1)! }
}

/** One row's median over another's; not a number where either was not measured. */
export function ratio({ rows }: Table, name: string, to: string): number {
  const median = (wanted: string): number => rows.find((row) => row.name === wanted)?.median ?? Number.NaN
  return median(name) / median(to)
}
