import type { ViteUserConfig } from 'vitest/config'

/** A test that takes long is not wrong: the machine may be busy. The limits only end what hangs. */
const config: ViteUserConfig = { test: { testTimeout: 180_000, hookTimeout: 180_000 } }

export default config
