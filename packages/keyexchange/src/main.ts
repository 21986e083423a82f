#!/usr/bin/env node
/** The `keys` program: it stands in program.ts, which is then kept as it was compiled. */
import { keepCompiled } from './cli/compiled.ts'

keepCompiled()
const { run } = await import('./program.ts')
await run()
