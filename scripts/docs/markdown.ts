/** The Markdown pages of this repository: which there are, and what stands in them. */
import GithubSlugger from 'github-slugger'
import Markdown, { type MarkdownIt, type Token } from 'markdown-it'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../workspace.ts'

/** A page, parsed. */
export interface Page {
  /** Relative to the repository's root */
  readonly path: string
  readonly tokens: readonly Token[]
}

/** What parses and renders every page alike. */
export const markdown: MarkdownIt = new Markdown({ html: true })

/** All pages that people read, wherever they stand; what a tool writes for itself in scripts is none. */
export function pages(): Page[] {
  const exclude = (path: string): boolean => /^(site|scripts)$|(^|\/)(node_modules|\.\w[^/]*)$/.test(path)
  const paths = globSync('**/*.md', { cwd: root, exclude }).filter((path) => !path.endsWith('CHANGELOG.md'))
  return paths.toSorted().map(readPage)
}

/** @throws Error where there is no such page */
export function readPage(path: string): Page {
  return parsePage(path, readFileSync(join(root, path), 'utf8'))
}

export function parsePage(path: string, text: string): Page {
  const tokens = markdown.parse(text, {})
  const slugger = new GithubSlugger()
  for (const [i, token] of tokens.entries()) {
    if (token.type === 'heading_open') token.attrSet('id', slugger.slug(plainText(tokens[i + 1]!)))
  }
  return { path, tokens }
}

/** The text of an inline token, as a reader sees it. */
export function plainText({ children }: Token): string {
  return (children ?? []).map(({ content }) => content).join('')
}

/** What a link of this page leads to. */
export interface Link {
  readonly href: string
  /** The page's line, from 1 */
  readonly line: number
}

export function linksOf({ tokens }: Page): Link[] {
  let line = 1
  return tokens.flatMap(({ map, children }) => {
    if (map) line = map[0] + 1
    const hrefs = (children ?? []).map((child) => child.attrGet('href') ?? child.attrGet('src'))
    return hrefs.flatMap((href) => (href === null ? [] : [{ href: String(href), line }]))
  })
}

/** The anchors of a page: its headings, as GitHub names them. */
export function anchorsOf({ tokens }: Page): Set<string> {
  return new Set(tokens.flatMap((token) => (token.type === 'heading_open' ? [String(token.attrGet('id'))] : [])))
}

/** Why a link leads nowhere; undefined where it leads somewhere, or out of the repository. */
export function brokenLink({ path }: Page, { href }: Link): string | undefined {
  if (isOutward(href)) return URL.canParse(href) ? undefined : 'it is no address'
  const [file, anchor] = splitLink(path, href)
  if (!existsSync(join(root, file))) return `there is no ${file}`
  if (anchor === undefined || anchorsOf(readPage(file)).has(anchor)) return undefined
  return `${file} has no heading #${anchor}`
}

/** Whether a link leads out of the repository. */
export function isOutward(href: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/i.test(href)
}

/** The file that a link within the repository names, relative to the root, and the anchor in it. */
export function splitLink(from: string, href: string): [file: string, anchor: string | undefined] {
  const [target = '', anchor] = href.split('#')
  return [target === '' ? from : join(from, '..', decodeURIComponent(target)), anchor]
}
