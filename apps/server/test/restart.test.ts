/** A server that is restarted under load loses nothing and takes nothing twice. */
import { type Home, Sandbox, type Running } from '@countersign/testing'
import { afterAll, expect, test } from 'vitest'

const sandbox = new Sandbox()
afterAll(() => sandbox[Symbol.asyncDispose]())

const ROUNDS = 3
/** Lines of each client in each round, long enough that a stop finds many of them on their way */
const LINES = 300
const PADDING = 'x'.repeat(8 * 1024)

const textOf = (client: Home, round: number, line: number): string => `${client.name} ${round} ${line} ${PADDING}`

/** What each client's messages say, in the order in which they are printed. */
function printed(stdout: string): Map<string, string[]> {
  const texts = new Map<string, string[]>()
  // The last line may still be on its way.
  for (const line of stdout.split('\n').slice(0, -1)) {
    if (!line.startsWith('{"event":"message"')) continue
    const { from, text } = JSON.parse(line) as { from: { name: string }; text: string }
    texts.set(from.name, [...(texts.get(from.name) ?? []), text.slice(0, -PADDING.length)])
  }
  return texts
}

function takenBy({ stdout }: Running): string[] {
  return [...printed(stdout).values()].flat()
}

test('while clients send through their outboxes a server is stopped and started again: every message is stored, and receipted, once', async () => {
  const home = sandbox.home('server')
  const clients = ['ann', 'bob', 'cat'].map((name) => sandbox.home('client', name))
  for (const client of clients) {
    sandbox.trust(home, client)
    sandbox.trust(client, home)
  }
  const { server: first, port, at } = await sandbox.serve(home, '--json')
  const servers: Running[] = [first]
  const sending = clients.map((client) => sandbox.start('client', ['send', '--lines', '--json', '--retry', '5m', ...at], client))
  for (let round = 0; round < ROUNDS; round++) {
    clients.forEach((client, i) => {
      sending[i]!.write(Array.from({ length: LINES }, (_, line) => `${textOf(client, round, line)}\n`).join(''))
    })
    const server = servers.at(-1)!
    await server.until(/"event":"message"/)
    // It finds messages on their way: not all were taken before it.
    expect(servers.flatMap(takenBy).length).toBeLessThan((round + 1) * LINES * clients.length)
    expect(await server.stop()).toMatchObject({ status: 0 })
    servers.push(sandbox.start('server', ['--host', '127.0.0.1', '--port', port, '--json'], home))
  }
  for (const running of sending) running.endInput()
  const ended = await Promise.all(sending.map((running) => running.ended))
  expect(ended.map(({ status }) => status)).toEqual(clients.map(() => 0))
  await servers.at(-1)!.stop()

  const taken = printed(servers.map(({ stdout }) => stdout).join(''))
  clients.forEach((client, i) => {
    const all = Array.from({ length: ROUNDS * LINES }, (_, n) => `${client.name} ${Math.floor(n / LINES)} ${n % LINES} `)
    expect(taken.get(client.name)).toEqual(all)
    const receipts = [...ended[i]!.stdout.matchAll(/"outcome":"(\w+)","number":(\d+)/g)].map(([, outcome, number]) => [
      outcome,
      Number(number),
    ])
    expect(receipts).toEqual(all.map((_, n) => ['stored', n + 1]))
  })
})
