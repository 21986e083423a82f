import type { ViteUserConfig } from 'vitest/config'

/**
 * A test that takes long is not wrong: the machine may be busy. The limits only end what hangs. Workers wait for programs
 * that they run, most of the time; no file changes what another one imports, so that they share it.
 */
const config: ViteUserConfig = { test: { testTimeout: 60_000, hookTimeout: 60_000, maxWorkers: '100%', isolate: false } }

export default config
