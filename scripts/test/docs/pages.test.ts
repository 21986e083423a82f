/** Every page of this repository: its links, its commands, and its place in the site. */
import { hasTerminals } from '@countersign/testing'
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { brokenLink, linksOf, parsePage, readPage, splitLink } from '../../docs/markdown.ts'

const root = join(import.meta.dirname, '../../..')
const run = (script: string, ...words: string[]): ReturnType<typeof spawnSync> =>
  spawnSync(process.execPath, [join(root, 'scripts/docs', script), ...words], { encoding: 'utf8', cwd: root })

test('links lead somewhere, and commands do what the pages show', { timeout: 300_000 }, (context) => {
  if (!process.version.startsWith('v26.')) context.skip('once is enough: the programs are tested on this Node elsewhere')
  if (!hasTerminals()) context.skip('the program script is missing')
  const { status, stdout, stderr } = run('check.ts')
  console.log(String(stdout))
  expect(String(stderr), String(stderr)).toBe('')
  expect(status).toBe(0)
})

test('a link to a page, a heading or a file that is not there is found', () => {
  const page = parsePage(
    'docs/page.md',
    '[a](KEYS.md) [b](KEYS.md#homes) [c](NONE.md) [d](KEYS.md#none) [e](#none) [f](../LICENSE) [g](https:)',
  )
  const broken = linksOf(page).map((link) => brokenLink({ ...page, path: 'docs/KEYS.md' }, link))
  expect(broken).toEqual([
    undefined,
    undefined,
    'there is no docs/NONE.md',
    'docs/KEYS.md has no heading #none',
    'docs/KEYS.md has no heading #none',
    undefined,
    'it is no address',
  ])
})

describe('the site', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-site-'))
  const read = (path: string): string => readFileSync(join(folder, path), 'utf8')
  let pages: string[]

  beforeAll(() => {
    run('site.ts', folder)
    pages = globSync('**/*.html', { cwd: folder })
  })

  afterAll(() => rmSync(folder, { recursive: true }))

  test('each of its links leads to a file of its own and to what is in it', () => {
    const links = pages.flatMap((page) =>
      [...read(page).matchAll(/ (?:href|src)="([^"]*)"/g)].map(([, link]) => ({ page, link: link! })),
    )
    const own = links.filter(({ link }) => !/^https?:/.test(link))
    expect(own.length).toBeGreaterThan(pages.length)
    const broken = own.filter(({ page, link }) => {
      const [file, anchor] = splitLink(page, link)
      return !existsSync(join(folder, file)) || (anchor !== undefined && !read(file).includes(`id="${anchor}"`))
    })
    expect(broken).toEqual([])
  })

  test('every page of docs stands in the navigation, which marks the page that is read', () => {
    const index = readPage('docs/index.md')
    const listed = linksOf(index).map(({ href }) => splitLink(index.path, href)[0])
    expect(listed).toEqual(expect.arrayContaining(globSync('docs/*.md', { cwd: root, exclude: ['docs/index.md'] })))
    expect(read('START.html')).toContain('<a href="START.html" aria-current="page">Start in five minutes</a>')
    expect(read('decisions/index.html')).toContain('<a href="../START.html">Start in five minutes</a>')
  })

  test('it has no script, and nothing is loaded from elsewhere', () => {
    for (const page of pages) expect(read(page), page).not.toMatch(/<script|<link[^>]*https?:|src="https?:|@import/)
  })
})
