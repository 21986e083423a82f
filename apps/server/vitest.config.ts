import type { ViteUserConfig } from 'vitest/config'

/**
 * A test that takes long is not wrong: the machine may be busy. The limits only end what hangs.
 * Two files at a time, also on two cores: most of their time is waiting for programs.
 */
const config: ViteUserConfig = { test: { testTimeout: 180_000, hookTimeout: 180_000, maxWorkers: 2 } }

export default config
