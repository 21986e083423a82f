/** Each example is run as its reader would run it, and says what it should. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'

const folder = join(import.meta.dirname, '..')
const compiled = join(folder, '../node_modules/.cache/compile')

function run(example: string, ...words: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, example), ...words], {
    encoding: 'utf8',
    timeout: 30_000,
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: compiled },
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout
}

const said: Record<string, RegExp> = {
  'hello.ts': /^bob: #1 says "hello"\nalice: #1 was received, and bob has signed that\n$/,
  'request-reply.ts': /'bob heard "what is 6 times 7\?"'(.|\n)+'alice heard "and what is 7 times 6\?"'/,
  'durable.ts':
    /^(alice: #[123] is on disk\n){3}((bob: #[123] has come|alice: #[123] is stored)\n){6}bob: 1 is "first"\nbob: 2 is "second"\nbob: 3 is "third"\n$/,
  'own-journal.ts':
    /^first run: #1 is stored, by receipt 1 of journal ([0-9a-f]{32})\nsecond run: #2 is stored, by receipt 2 of journal \1\n$/,
  'websocket.ts': /^bob: "hello over a WebSocket"\nalice: received\n$/,
  'sans-io.ts':
    /^1292 bytes to bob, \d+ bytes to alice\n\d+ bytes to bob, \d+ bytes to alice\nserver has received "hello by hand"\nclient has a receipt: received\n$/,
  'file-transfer.ts':
    /^(?=(.|\n)*alice: the file is stored\n)(?=(.|\n)*which alice calls file-transfer\.ts\n)(.|\n)*both files are the same\n$/,
}

test.each(Object.entries(said))('%s says what it should', (example, output) => {
  expect(run(example)).toMatch(output)
})

test('a file of several megabytes arrives as it was', () => {
  const work = mkdtempSync(join(tmpdir(), 'examples-'))
  try {
    const path = join(work, 'large')
    const block = createHash('sha256').update('a block').digest()
    writeFileSync(path, Buffer.concat(Array.from({ length: 160_000 }, () => block)))
    expect(run('file-transfer.ts', path)).toMatch(
      /bob: 5120000 bytes, which alice calls large\n(.|\n)*both files are the same\n$/,
    )
  } finally {
    rmSync(work, { recursive: true })
  }
})

test("what core's README shows runs, and prints what was sent", () => {
  const readme = readFileSync(join(folder, '../packages/core/README.md'), 'utf8')
  const [, code] = /```ts\n(.*?)```/s.exec(readme)!
  const words = ['--input-type=module-typescript', '--eval', code!]
  const { stdout, stderr } = spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8', timeout: 30_000 })
  expect({ stdout, stderr }).toEqual({ stdout: 'hello\n', stderr: '' })
})

test('each file here is such an example, is short, and imports packages by their names alone', () => {
  const files = globSync('*.ts', { cwd: folder }).filter((file) => !file.endsWith('.config.ts'))
  expect(files.toSorted()).toEqual(Object.keys(said).toSorted())
  for (const file of files.map((name) => basename(name))) {
    const text = readFileSync(join(folder, file), 'utf8')
    expect(text, file).not.toMatch(/from '\.|import\('\./)
    expect(text.split('\n').length, file).toBeLessThan(220)
  }
})
