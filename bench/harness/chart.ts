/** Charts as SVG, in the colours of the reader's page. */
import type { Series, Table } from './bench.ts'

const WIDTH = 720
const STYLE = `<style>
text { font: 13px system-ui, sans-serif; fill: #333 } .title { font-weight: 600 } .faint { fill: #888 } .rule { stroke: #8884 }
.c0 { fill: #1769aa; stroke: #1769aa } .c1 { fill: #b0bec5; stroke: #90a4ae } .c2 { fill: #e67e22; stroke: #e67e22 } .c3 { fill: #2e9e6b; stroke: #2e9e6b }
.line { fill: none; stroke-width: 2 } .spread { stroke: #333; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .spread { stroke: #eee } }
</style>`

/** Bars with their spread, one for each contender. */
export function barChart({ title, unit, better, rows }: Table): string {
  const shown = rows.filter(({ median }) => Number.isFinite(median))
  const [left, right, step] = [250, 130, 30]
  const most = Math.max(...shown.map((row) => row.most))
  const scale = (value: number): number => round((value / most) * (WIDTH - left - right))
  const bars = shown.map(({ name, median, least, most: top }, i) => {
    const y = 40 + i * step
    const own = name.startsWith('countersign') ? 'c0' : 'c1'
    return `<text x="${left - 10}" y="${y + 15}" text-anchor="end">${escape(name)}</text>
<rect class="${own}" x="${left}" y="${y}" width="${scale(median)}" height="20"/>
<line class="spread" x1="${left + scale(least)}" x2="${left + scale(top)}" y1="${y + 10}" y2="${y + 10}"/>
<text x="${left + scale(top) + 8}" y="${y + 15}">${short(median)}</text>`
  })
  return svg(50 + shown.length * step, `${title}: ${unit}, ${better} is better`, bars.join('\n'))
}

/** Lines over logarithmic axes: what grows linearly is a straight line at 45 degrees. */
export function lineChart({ title, x, unit, lines: measured }: Series): string {
  const lines = measured.map(({ name, points }) => ({ name, points: points.filter(({ median }) => median > 0) }))
  const [left, right, top, height] = [70, 200, 50, 320]
  const points = lines.flatMap((line) => line.points)
  const [xs, ys] = [decades(points.map((point) => point.x)), decades(points.map(({ median }) => median))]
  const atX = (value: number): number => left + within(value, xs) * (WIDTH - left - right)
  const atY = (value: number): number => top + (1 - within(value, ys)) * height
  const rules = [
    ...powers(xs).map(
      (value) => `<line class="rule" x1="${round(atX(value))}" x2="${round(atX(value))}" y1="${top}" y2="${top + height}"/>
<text class="faint" x="${round(atX(value))}" y="${top + height + 18}" text-anchor="middle">${short(value)}</text>`,
    ),
    ...powers(ys).map(
      (value) => `<line class="rule" x1="${left}" x2="${WIDTH - right}" y1="${round(atY(value))}" y2="${round(atY(value))}"/>
<text class="faint" x="${left - 8}" y="${round(atY(value)) + 4}" text-anchor="end">${short(value)}</text>`,
    ),
  ]
  const drawn = lines.map(({ name, points: own }, i) => {
    const path = own.map((point) => `${round(atX(point.x))},${round(atY(point.median))}`).join(' ')
    const dots = own.map(
      (point) => `<circle class="c${i % 4}" cx="${round(atX(point.x))}" cy="${round(atY(point.median))}" r="3"/>`,
    )
    return `<g class="c${i % 4}"><polyline class="line" points="${path}"/></g>${dots.join('')}
<rect class="c${i % 4}" x="${WIDTH - right + 16}" y="${top + i * 22}" width="12" height="12"/><text x="${WIDTH - right + 34}" y="${top + 11 + i * 22}">${escape(name)}</text>`
  })
  const axis = `<text x="${(left + WIDTH - right) / 2}" y="${top + height + 38}" text-anchor="middle">${escape(x)}</text>`
  return svg(top + height + 50, `${title}: ${unit}`, [...rules, ...drawn, axis].join('\n'))
}

function svg(height: number, title: string, body: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>${escape(title)}</title>
${STYLE}
<text class="title" x="10" y="22">${escape(title)}</text>
${body}
</svg>
`
}

type Span = readonly [low: number, high: number]

/** The whole powers of ten around these values, as exponents. */
function decades(values: readonly number[]): Span {
  const low = Math.floor(Math.log10(Math.min(...values)))
  return [low, Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))))]
}

function powers([low, high]: Span): number[] {
  return Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i))
}

function within(value: number, [low, high]: Span): number {
  return (Math.log10(value) - low) / (high - low)
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escape(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;')
}

/** Three digits, with thousands told apart. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return 'none'
  return value.toLocaleString('en', value >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 })
}
