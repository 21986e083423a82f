/** Unix sockets stay behind where a process is killed. */
import { once } from 'node:events'
import { lstatSync, rmSync } from 'node:fs'
import { createConnection, type Server } from 'node:net'

/**
 * Listens at a path that nobody answers at.
 *
 * @throws Node's system errors; EADDRINUSE where somebody does, and where something else than a socket is there
 */
export async function listenAt(server: Server, path: string): Promise<void> {
  const left = lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true
  if (left && !(await answers(path))) rmSync(path, { force: true })
  server.listen(path)
  await once(server, 'listening')
}

async function answers(path: string): Promise<boolean> {
  const socket = createConnection(path)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
