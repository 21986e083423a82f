/** Closes an outbox while an answer of its writer's is still on its way: `node close.ts FILE [--in-place]`. */
import { generatePrivateKey, identity } from '@countersign/core'
import { openOutbox } from '../../src/index.ts'

const outbox = await openOutbox(process.argv[2]!, {
  identity: identity(generatePrivateKey()),
  thread: process.argv[3] !== '--in-place',
})
const asked = outbox.drop(1)
await outbox.close()
await asked
console.log('closed')
