import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { swapVectors } from './vectors.ts'

const published = join(import.meta.dirname, '../../../../vectors/swap.json')

test('the published swap is what this code does', async () => {
  expect(JSON.parse(readFileSync(published, 'utf8'))).toEqual(await swapVectors())
})
