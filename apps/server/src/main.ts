#!/usr/bin/env node
/** The `countersign-server` program: it stands in program.ts, which is then kept as it was compiled. */
import { keepCompiled } from '@countersign/keyexchange/cli'

keepCompiled()
const { run } = await import('./program.ts')
await run()
