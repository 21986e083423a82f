/** Writes all pages as a small site that needs no server and no script: `pnpm run site [FOLDER]`. */
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { root } from '../workspace.ts'
import { linksOf, type Page, pages, plainText, readPage, splitLink } from './markdown.ts'
import { type Entry, renderPage } from './render.ts'

const INDEX = 'docs/index.md'
const folder = resolve(process.argv[2] ?? join(root, 'site'))

/** The list of pages in the index is the navigation. */
function navigationOf({ path, tokens }: Page): Entry[] {
  return tokens.flatMap((token, i): Entry[] => {
    const [first, text] = token.children ?? []
    if (first?.type === 'strong_open' || text?.type === 'strong_open') return [{ title: plainText(token) }]
    if (tokens[i - 2]?.type !== 'list_item_open' || first?.type !== 'link_open') return []
    return [{ title: text!.content, path: splitLink(path, String(first.attrGet('href')))[0] }]
  })
}

/** Pages of docs/ stand at the top, the others where they stand in the repository. */
function placeOf(path: string): string {
  const place = path.replace(/^docs\//, '')
  if (place === 'README.md') return 'README.html'
  return place.replace(/README\.md$/, 'index.md').replace(/\.md$/, '.html')
}

function write(place: string, content: string): void {
  mkdirSync(dirname(join(folder, place)), { recursive: true })
  writeFileSync(join(folder, place), content)
}

const all = pages()
const places = new Map(all.map(({ path }) => [path, placeOf(path)]))
const images = all.flatMap((page) => linksOf(page).map(({ href }) => splitLink(page.path, href)[0]))
for (const image of images.filter((path) => /\.(svg|png)$/.test(path))) places.set(image, image)

const navigation = navigationOf(readPage(INDEX))
rmSync(folder, { recursive: true, force: true })
for (const page of all)
  write(
    places.get(page.path)!,
    renderPage(page, navigation, (path) => places.get(path)),
  )
for (const [path, place] of places) {
  if (path.endsWith('.md')) continue
  mkdirSync(dirname(join(folder, place)), { recursive: true })
  copyFileSync(join(root, path), join(folder, place))
}
copyFileSync(join(import.meta.dirname, 'site.css'), join(folder, 'site.css'))
console.log(`${all.length} pages in ${folder}: open index.html`)
