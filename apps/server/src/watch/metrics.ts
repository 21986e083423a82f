/** /metrics for Prometheus, and /healthz and /readyz for whoever starts and watches servers. */
import { once } from 'node:events'
import { statfs } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Endpoint } from '../settings/kinds.ts'
import { listenAt } from './unix-socket.ts'
import type { View } from './view.ts'

/** In seconds: from a fast disk's fsync to one that is about to fail. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Answers until it is disposed of. @throws Node's system errors where it cannot listen there */
export async function serveMetrics(at: Endpoint, view: View): Promise<Disposable> {
  const registry = registryOf(view)
  const server = createServer((request, response) => {
    answer(request, response, view, registry).catch(() => response.writeHead(500).end())
  })
  server.requestTimeout = server.headersTimeout = 5000
  server.maxConnections = 64
  await listen(server, at)
  server.unref()
  return {
    [Symbol.dispose]() {
      server.close()
      server.closeAllConnections()
      view.meter.onCommit = () => {}
    },
  }
}

async function listen(server: HttpServer, at: Endpoint): Promise<void> {
  if ('path' in at) return listenAt(server, at.path)
  server.listen(at)
  await once(server, 'listening')
}

async function answer(request: IncomingMessage, response: ServerResponse, view: View, registry: Registry): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost')
  const say = (status: number, body: string, type = 'text/plain; charset=utf-8'): void => {
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' })
    response.end(request.method === 'HEAD' ? undefined : body)
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') return say(405, 'GET and HEAD are answered\n')
  if (pathname === '/healthz') return say(200, 'ok\n')
  if (pathname === '/metrics') return say(200, await registry.metrics(), registry.contentType)
  if (pathname !== '/readyz') return say(404, '/metrics, /healthz and /readyz are answered\n')
  const why = await view.whyNotReady()
  return why === undefined ? say(200, 'ready\n') : say(503, `${why}\n`)
}

function registryOf(view: View): Registry {
  const { server, meter, store } = view
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })

  /** A number that is read when it is asked for. */
  const gauge = (name: string, help: string, read: () => number | Promise<number>): void => {
    const collect = async (): Promise<void> => metric.set(await read())
    const metric: Gauge = new Gauge({ name: `countersign_${name}`, help, registers, collect })
  }
  /** A count that the meter keeps. */
  const counter = (name: string, help: string, read: () => number): void => {
    const collect = (): void => {
      metric.reset()
      metric.inc(read())
    }
    const metric: Counter = new Counter({ name: `countersign_${name}_total`, help, registers, collect })
  }
  /** The same by a label. */
  const counters = (name: string, help: string, label: string, counts: ReadonlyMap<string, number>): void => {
    const collect = (): void => {
      metric.reset()
      for (const [value, count] of counts) metric.inc({ [label]: value }, count)
    }
    const metric: Counter = new Counter({ name: `countersign_${name}_total`, help, labelNames: [label], registers, collect })
  }

  gauge('ready', 'Whether messages can be stored now', async () => ((await view.whyNotReady()) === undefined ? 1 : 0))
  gauge('sessions', 'Sessions that are open', () => server.sessions.size)
  counters('handshakes', 'Handshakes, by accepted, the code of what went wrong, or OVERLOAD', 'result', meter.handshakes)
  counters('receipts', 'Receipts given, one for each envelope, by outcome', 'outcome', meter.receipts)
  counter('messages', 'Messages stored, or received where nothing is stored', () => meter.messages)
  counter('message_bytes', 'Bytes of these messages, attributes included', () => meter.bytes)
  const commits = new Histogram({
    name: 'countersign_commit_seconds',
    help: 'How long the journal took to store an envelope and its receipt',
    buckets: BUCKETS,
    registers,
  })
  meter.onCommit = (seconds) => commits.observe(seconds)
  const queue: Gauge<'queue'> = new Gauge({
    name: 'countersign_queue',
    help: 'What waits: envelopes for their commit, messages for being printed and for hooks, and what hooks have set aside',
    labelNames: ['queue'],
    registers,
    collect: async () => {
      for (const [name, count] of Object.entries(await view.waiting())) queue.set({ queue: name }, count)
    },
  })
  if (store === undefined) return registry
  gauge('journal_messages', 'Messages in the journal', async () => (await store.size()).messages)
  gauge('journal_receipts', 'Receipts in the journal', async () => (await store.size()).receipts)
  gauge('journal_bytes', "Bytes of the journal's files", async () => (await store.size()).bytes)
  gauge('journal_restored_seconds', 'When the journal was last made from a backup, in s since 1970; 0 for never', async () => {
    const { restored } = await store.size()
    return restored === undefined ? 0 : Date.parse(restored.at) / 1000
  })
  gauge(
    'journal_unheard',
    'Outboxes that the journal knew when it was made from a backup, and has not heard of since',
    async () => {
      return (await store.size()).restored?.unheard ?? 0
    },
  )
  gauge('disk_free_bytes', "Bytes that are free on the journal's disk", async () => {
    const { bavail, bsize } = await statfs(store.folder)
    return bavail * bsize
  })
  return registry
}
