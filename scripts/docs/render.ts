/** A page as HTML, for the site: headings that can be linked, tables and blocks that scroll by themselves, links between pages. */
import type { Token } from 'markdown-it'
import { relative } from 'node:path'
import { isOutward, markdown, type Page, plainText, splitLink } from './markdown.ts'

/** Where a page stands in the site; undefined for what is no part of it. */
export type Places = (path: string) => string | undefined

/** An entry of the navigation, or the title of those below it. */
export interface Entry {
  readonly title: string
  /** The page's path in the repository; a title has none */
  readonly path?: string
}

const escape = markdown.utils.escapeHtml

/** A page within the frame of the site. */
export function renderPage(page: Page, navigation: readonly Entry[], places: Places): string {
  const here = places(page.path)!
  const to = (place: string): string => relative(`${here}/..`, place)
  const title = titleOf(page)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(title === 'Countersign' ? title : `${title} · Countersign`)}</title>
<link rel="stylesheet" href="${to('site.css')}">
</head>
<body>
<header><a href="${to('index.html')}">Countersign</a> <a class="to-pages" href="#pages">all pages</a></header>
<main>
${renderTokens(page, places, to)}
</main>
<nav id="pages" aria-label="Pages">
${navigation.map((entry) => renderEntry(entry, page, places, to)).join('\n')}
</nav>
</body>
</html>
`
}

/** What a page is called: its first heading. */
export function titleOf({ path, tokens }: Page): string {
  const heading = tokens.findIndex(({ type }) => type === 'heading_open')
  return heading < 0 ? path : plainText(tokens[heading + 1]!)
}

function renderEntry({ title, path }: Entry, page: Page, places: Places, to: (place: string) => string): string {
  if (path === undefined) return `<p>${escape(title)}</p>`
  const current = path === page.path ? ' aria-current="page"' : ''
  return `<a href="${to(places(path)!)}"${current}>${escape(title)}</a>`
}

function renderTokens(page: Page, places: Places, to: (place: string) => string): string {
  const tokens = page.tokens.filter(({ type, content }) => type !== 'html_block' || !content.startsWith('<!--'))
  for (const { children } of tokens) for (const child of children ?? []) rewriteLink(child, page, places, to)
  return markdown.renderer.render([...tokens], markdown.options, {})
}

/** Links lead to where the site has the page; those to files that it has not are text. */
function rewriteLink(token: Token, { path }: Page, places: Places, to: (place: string) => string): void {
  const name = token.type === 'image' ? 'src' : 'href'
  const href = token.attrGet(name)
  if (href === null || isOutward(String(href))) return
  const [file, anchor] = splitLink(path, String(href))
  const place = places(file)
  if (place !== undefined) token.attrSet(name, to(place) + (anchor === undefined ? '' : `#${anchor}`))
  else token.attrs = [['class', 'elsewhere']]
}

/** A block of a terminal: what is typed stands out, and prompts are not copied. */
function renderSession(content: string): string {
  const lines = content.replace(/\n$/, '').split('\n')
  return lines
    .map((line) => {
      const [, prompt, command] = /^([a-z][a-z0-9-]*\$ |\$ )(.*)$/.exec(line) ?? []
      if (prompt === undefined) return escape(line)
      return `<span class="prompt">${escape(prompt)}</span><kbd>${escape(command!)}</kbd>`
    })
    .join('\n')
}

const { rules } = markdown.renderer
rules['heading_open'] = (tokens, i) => {
  const { tag } = tokens[i]!
  return `<${tag} id="${escape(String(tokens[i]!.attrGet('id')))}">`
}
rules['heading_close'] = (tokens, i) => {
  const { tag } = tokens[i]!
  const id = escape(String(tokens[i - 2]!.attrGet('id')))
  return `<a class="anchor" href="#${id}" aria-label="Link to this section">#</a></${tag}>\n`
}
rules['table_open'] = () => '<div class="wide" role="region" aria-label="Table" tabindex="0"><table>\n'
rules['table_close'] = () => '</table></div>\n'
rules['fence'] = (tokens, i) => {
  const { info, content } = tokens[i]!
  const code = info.trim() === 'console' ? renderSession(content) : escape(content)
  return `<pre tabindex="0"><code>${code}</code></pre>\n`
}
