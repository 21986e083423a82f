/** `--webhook URL`: posts each message, its body as the request's body, its fields in headers. */
import { CliError } from '@countersign/keyexchange/cli'
import { fieldsOf, type Hook, keyOf, type Post } from './hook.ts'

/** @throws CliError USAGE */
export function webhook(address: string): Hook {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new CliError('USAGE', `"${address}" is no address of a webhook`, 'write it as http://... or https://...')
  }
  return { name: 'webhook', deliver: (message, signal) => post(url, message, signal) }
}

async function post(url: URL, message: Post, signal: AbortSignal): Promise<void> {
  const fields = Object.entries(fieldsOf(message)).map(([name, value]) => [
    `countersign-${name.toLowerCase().replaceAll('_', '-')}`,
    inAscii(value),
  ])
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': inAscii(message.content.attributes.get('content-type') ?? 'application/octet-stream'),
      'idempotency-key': keyOf(message),
      ...Object.fromEntries(fields),
    },
    body: ReadableStream.from(message.content.stream()),
    duplex: 'half',
    redirect: 'error',
    signal,
  })
  await response.body?.cancel()
  if (!response.ok) throw new Error(`it answered ${response.status}`)
}

/** Headers hold ASCII alone: other characters are written as JSON does, as \u00e4. */
function inAscii(text: string): string {
  return text.replaceAll(/[^\u0020-\u007e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
