import { expect, test } from 'vitest'

test('the suite runs on the Node release its script names', () => {
  const expected = process.env['EXPECT_NODE'] ?? '26'
  expect(`${process.versions.node}.`.startsWith(`${expected}.`), process.version).toBe(true)
})
