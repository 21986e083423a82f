/**
 * The linter, and the walls inside core. The walls between packages stand in the turbo.json of each: `turbo boundaries`.
 */
import { defineConfig } from 'oxlint'
import type { OxlintConfig, OxlintOverride } from 'oxlint'

/** Core's layers from the bottom up. A layer imports itself and what is below it, never what stands beside it. */
const levels = [['bytes', 'errors'], ['crypto', 'wire'], ['handshake'], ['session'], ['delivery'], ['node']]

/** Time, randomness, environment and log are arguments everywhere below node, so they may not be reached for there. */
const ambient = ['console', 'crypto', 'fetch', 'navigator', 'performance', 'process', 'setImmediate', 'setInterval', 'setTimeout']
const ambientProperties = [
  { object: 'Date', property: 'now' },
  { object: 'AbortSignal', property: 'timeout' },
  { object: 'Math', property: 'random' },
]

/** What of Node each layer may import: as patterns of what it may not. */
const closedBuiltins = new Map([
  ['crypto', ['node:*', '!node:crypto']],
  ['node', ['node:crypto']],
])

function wall(layer: string, below: readonly string[]): OxlintOverride {
  const closed = ['index', 'protocol', ...levels.flat()].filter((name) => name !== layer && !below.includes(name))
  return {
    files: [`packages/core/src/${layer}.ts`, `packages/core/src/${layer}/**/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: `/(${closed.join('|')})(/|\\.ts$)`, message: `${layer} stands on ${below.join(', ') || 'nothing'}` },
            {
              group: closedBuiltins.get(layer) ?? ['node:*'],
              message: 'node:crypto is for crypto alone, the rest of Node for node alone',
            },
          ],
        },
      ],
      ...(layer !== 'node' && {
        'no-restricted-globals': ['error', ...ambient],
        'no-restricted-properties': ['error', ...ambientProperties],
      }),
    },
  }
}

const config: OxlintConfig = defineConfig({
  plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import', 'promise', 'node', 'vitest'],
  options: { typeAware: true, denyWarnings: true, reportUnusedDisableDirectives: 'error' },
  categories: { correctness: 'error', suspicious: 'error' },
  rules: {
    'import/no-cycle': 'error',
    'max-lines': ['error', { max: 320, skipBlankLines: true, skipComments: true }],
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'unicorn/prefer-node-protocol': 'error',
    'vitest/no-focused-tests': 'error',

    // The compiler knows when a path returns nothing.
    'consistent-return': 'off',
    // A wire layout's name is at home both as a function and as what it reads.
    'no-shadow': 'off',
    // Objects here are made of closures as often as of classes.
    'unicorn/consistent-function-scoping': 'off',
    'promise/no-callback-in-promise': 'off',
    // What a then() of a promise of nothing would return is nothing.
    'promise/always-return': 'off',
    'typescript/unbound-method': 'off',
    // A decoder's checks are what makes its assertion true.
    'typescript/no-unsafe-type-assertion': 'off',
    // node:crypto's verify answers undefined when called the wrong way: it is compared with true on purpose.
    'typescript/no-unnecessary-boolean-literal-compare': 'off',
    'vitest/valid-expect': ['error', { maxArgs: 2 }],
  },
  overrides: levels.flatMap((level, at) => level.map((layer) => wall(layer, levels.slice(0, at).flat()))),
})

export default config
