/** What the server tells its operator, on standard error: lines of text, or JSON by pino. Messages are not its business. */
import { narrator, type Notice, Output, type OutputOptions } from '@countersign/keyexchange/cli'
import type { TraceEvent } from '@countersign/core'

/** From what is never left out to what hardly anybody wants to know. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace'
export type LogFormat = 'text' | 'json'

const LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug', 'trace']

/** What a line of JSON holds beside its text: nothing that is secret. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

type Write = (level: LogLevel, text: string, fields: LogFields) => void

export class Log {
  readonly #write: Write
  readonly #narrate: (event: TraceEvent) => void
  level: LogLevel

  /** pino is loaded only for JSON: people at a terminal wait for nothing. */
  static async open(format: LogFormat, level: LogLevel): Promise<Log> {
    if (format === 'text') return new Log(writeText, level, narrator(writeLine))
    const write = await jsonWriter()
    return new Log(write, level, ({ sent, frame = 'unknown', kind, length }) =>
      write('trace', `${sent ? 'sent' : 'received'} ${kind ?? frame}`, { sent, frame, kind, length }),
    )
  }

  private constructor(write: Write, level: LogLevel, narrate: (event: TraceEvent) => void) {
    this.#write = write
    this.#narrate = narrate
    this.level = level
  }

  /** Something does not work, and somebody has to see to it. */
  error(text: string, fields: LogFields = {}): void {
    this.#say('error', text, fields)
  }

  /** Something is not as it should be, and the server goes on. */
  warn(text: string, fields: LogFields = {}): void {
    this.#say('warn', text, fields)
  }

  info(text: string, fields: LogFields = {}): void {
    this.#say('info', text, fields)
  }

  debug(text: string, fields: LogFields = {}): void {
    this.#say('debug', text, fields)
  }

  /** What is told of every step on the wire; nothing at any other level than trace. */
  get trace(): ((event: TraceEvent) => void) | undefined {
    return this.level === 'trace' ? this.#narrate : undefined
  }

  #say(level: LogLevel, text: string, fields: LogFields): void {
    if (LEVELS.indexOf(level) <= LEVELS.indexOf(this.level)) this.#write(level, text, fields)
  }
}

/** The level that all that was said comes to: --quiet leaves only errors, --trace leaves nothing out. */
export function levelOf(
  said: { readonly trace: boolean; readonly logLevel: LogLevel },
  { quiet }: Pick<OutputOptions, 'quiet'>,
): LogLevel {
  if (quiet) return 'error'
  return said.trace ? 'trace' : said.logLevel
}

/** Output whose notes are lines of the log. */
export class LoggedOutput extends Output {
  readonly #log: Log

  constructor(options: OutputOptions, log: Log) {
    super(options)
    this.#log = log
  }

  override note(line: string): void {
    this.#log.info(line)
  }

  override notice(value: Notice, lines: readonly string[]): void {
    if (this.json) this.result({ event: 'notice', ...value }, [])
    const fields = Object.entries(value).filter((field): field is [string, string | number | boolean] => !isComposed(field[1]))
    for (const line of lines) this.#log.warn(line, { event: 'notice', ...Object.fromEntries(fields) })
  }
}

function isComposed(value: unknown): boolean {
  return typeof value === 'object'
}

function writeLine(line: string): void {
  process.stderr.write(`${line}\n`)
}

function writeText(_: LogLevel, text: string): void {
  writeLine(text)
}

async function jsonWriter(): Promise<Write> {
  const { pino } = await import('pino')
  const logger = pino(
    {
      level: 'trace' satisfies LogLevel,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: process.stderr.fd, sync: true }),
  )
  return (level, text, fields) => logger[level](fields, text)
}
