/** Two servers over one journal: one is paused with an envelope before it, and resumed after the client has moved on. */
import type { ChildOptions } from '../programs/child.ts'
import type { World } from '../programs/world.ts'

/** @returns what became of the second copy: the code of the error that ended its session, or that it was stored */
export async function paused(world: World, options: ChildOptions = {}): Promise<string> {
  const first = await world.serve(options)
  const sender = await world.sender()
  sender.connect().send(['one'])
  await sender.child.next('settled')
  first.signal('SIGSTOP')
  const proxy = await world.proxy()
  const before = proxy.bytes.up
  sender.send(['two'])
  await proxy.until(() => proxy.bytes.up > before)

  await world.serve(options)
  proxy.leave()
  await sender.send(['three']).drained()
  const stored = (await world.receipts()).length
  first.signal('SIGCONT')
  const over = first.next('over').then(({ code }) => code ?? 'closed')
  const stop = new AbortController()
  const growing = grown(world, stored, stop.signal)
  try {
    return await Promise.race([over, growing.then(() => 'stored')])
  } finally {
    stop.abort()
    // What looks into the journal is done with it before its folder goes.
    await growing
  }
}

async function grown(world: World, from: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await world.receipts()).length === from) await new Promise((resolve) => setTimeout(resolve, 50))
}
