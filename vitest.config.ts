/** All packages in one run, for coverage. Each package's own `vitest run` does without it. */
import { defineConfig } from 'vitest/config'
import type { ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = defineConfig({
  test: {
    projects: ['packages/*', 'apps/*', 'scripts'],
    coverage: { include: ['{packages,apps}/*/src/**/*.ts'], reporter: ['text', 'html', 'json-summary'] },
  },
})

export default config
