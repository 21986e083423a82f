/** Where messages come from: words, files, standard input, or a person at a terminal. */
import type { MessageBody, MessageOptions } from '@countersign/core'
import { CliError, type Output, printable } from '@countersign/keyexchange/cli'
import { type Command, Option } from 'commander'
import { openAsBlob } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Interface } from 'node:readline'

export interface InputOptions {
  readonly file?: readonly string[]
  readonly lines?: boolean
  readonly contentType?: string
  readonly id?: string
  readonly inReplyTo?: string
}

export function inputOptions(command: Command): Command {
  return command
    .addOption(new Option('--file <file>', 'send a file; may stand several times').argParser(collect))
    .option('--lines', 'send each line of standard input as a message of its own')
    .option('--content-type <type>', 'what the messages are; of a file its name tells')
    .option('--id <id>', 'an id of your own for the message, which an answer can name')
    .option('--in-reply-to <id>', 'the id of the message that it answers')
}

function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value]
}

/** A message on its way into the outbox. */
export interface Outgoing {
  /** Standard input comes piece by piece */
  readonly body: MessageBody | AsyncIterable<Uint8Array>
  readonly options: MessageOptions
}

/** All that a command line asks to be sent. */
export interface Input {
  /** How long its files are together, in bytes */
  readonly length: number
  /** Whether a person types it, and waits for each answer */
  readonly typed: boolean
  /** Whether it is one message */
  readonly single: boolean
  /** @param signal ends what would wait for more */
  messages(signal: AbortSignal): AsyncIterable<Outgoing>
}

/**
 * Opens what a command line names; a missing file is told before anything is sent.
 *
 * @throws CliError USAGE and Node's system errors, of files
 */
export async function openInput(words: readonly string[], options: InputOptions, output: Output): Promise<Input> {
  const { file = [], lines = false } = options
  const files = await Promise.all(file.map((path) => fromFile(path, options)))
  const named = words.length > 0 || files.length > 0
  const text = (body: string): Outgoing => ({ body, options: { contentType: 'text/plain', ...said(options) } })
  const typing = !named && output.interactive
  return {
    length: files.reduce((sum, { body }) => sum + body.size, 0),
    typed: typing,
    single: named ? (words.length > 0 ? 1 : 0) + files.length === 1 : !typing && !lines,
    async *messages(signal) {
      if (words.length > 0) yield text(words.join(' '))
      yield* files
      if (named) return
      if (typing) for await (const line of typed(signal)) yield text(line)
      else if (lines) for await (const line of linesOf(signal)) yield text(line)
      else yield { body: process.stdin, options: said(options) }
    },
  }
}

function said({ contentType, id, inReplyTo }: InputOptions): MessageOptions {
  return {
    ...(contentType !== undefined && { contentType }),
    ...(id !== undefined && { id }),
    ...(inReplyTo !== undefined && { inReplyTo }),
  }
}

async function fromFile(path: string, options: InputOptions): Promise<Outgoing & { readonly body: Blob }> {
  if (!(await stat(path)).isFile())
    throw new CliError('USAGE', `${path} is no file; nothing was sent`, 'name a file, or send it by a pipe')
  const [body, file] = await Promise.all([openAsBlob(path), fileOptions(path)])
  return { body, options: { ...file, ...said(options) } }
}

/** What the path of a file says of the message that it becomes. */
export async function fileOptions(path: string): Promise<Required<Pick<MessageOptions, 'name' | 'contentType'>>> {
  const { default: mime } = await import('mime')
  return { name: printable(basename(path)), contentType: mime.getType(path) ?? 'application/octet-stream' }
}

async function* linesOf(signal: AbortSignal): AsyncGenerator<string, void, undefined> {
  const { createInterface } = await import('node:readline')
  yield* until(createInterface({ input: process.stdin, crlfDelay: Infinity }), signal)
}

/** What a person types, line by line, until Ctrl-D or Ctrl-C; empty lines are nothing to send. */
async function* typed(signal: AbortSignal): AsyncGenerator<string, void, undefined> {
  const { createInterface } = await import('node:readline')
  const prompt = createInterface({ input: process.stdin, output: process.stderr, prompt: '> ' })
  let open = true
  prompt.once('close', () => (open = false))
  prompt.prompt()
  for await (const line of until(prompt, signal)) {
    if (line !== '') yield line
    // What was typed before it was closed may still come.
    if (open) prompt.prompt()
  }
}

async function* until(lines: Interface, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
  const close = (): void => lines.close()
  signal.addEventListener('abort', close, { once: true })
  try {
    if (!signal.aborted) yield* lines
  } finally {
    signal.removeEventListener('abort', close)
    lines.close()
    process.stdin.destroy()
  }
}
