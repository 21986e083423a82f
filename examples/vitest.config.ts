import type { ViteUserConfig } from 'vitest/config'

/** An example that takes long is not wrong: the machine may be busy. The limit only ends what hangs. */
const config: ViteUserConfig = { test: { testTimeout: 60_000, hookTimeout: 60_000 } }

export default config
