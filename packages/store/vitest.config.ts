import { join } from 'node:path'
import type { ViteUserConfig } from 'vitest/config'

/**
 * A test that takes long is not wrong: the machine may be busy. The limits only end what hangs.
 * What Node made of the sources is kept: each thread that a test starts would strip their types anew.
 */
const config: ViteUserConfig = {
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, '../../node_modules/.cache/compile') },
  },
}

export default config
