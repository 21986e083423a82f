/** Results as people and programs read them: Markdown, JSON and charts. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Goal, Measure, Results, Row, Series, Table } from './bench.ts'
import { barChart, lineChart, short } from './chart.ts'
import type { Machine } from './machine.ts'

export interface Report {
  readonly command: string
  readonly runs: number
  readonly machine: Machine
  readonly measures: readonly {
    readonly name: string
    readonly measure: Pick<Measure, 'title' | 'about'>
    readonly results: Results
  }[]
}

/** Writes results.json, README.md and one chart for each table and series, in place of what was there. */
export function writeReport(folder: string, report: Report): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'results.json'), `${JSON.stringify(report, undefined, 2)}\n`)
  const { machine, command, runs, measures } = report
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`)
  const goals = measures.flatMap(({ results }) => results.goals ?? [])
  const parts = [
    '# Results',
    `\`${command}\` at ${machine.revision}: medians of ${runs} runs, peers and ours in turn, with the least and the most.`,
    `${machine.cores} x ${machine.processor}, ${machine.memoryGiB} GiB, ${machine.system}; load before the first run ${machine.load.toFixed(1)}. ${versions.join(', ')}.`,
    ...(goals.length > 0 ? ['## Goals', goalTable(goals)] : []),
  ]
  for (const { name, measure, results } of measures) {
    parts.push(`## ${measure.title}`, measure.about)
    for (const [i, table] of results.tables.entries()) {
      const file = `${name}-${i + 1}.svg`
      writeFileSync(join(folder, file), barChart({ ...table, title: `${measure.title}, ${table.title}` }))
      parts.push(`### ${table.title}`, markdownTable(table), `![${table.title}](${file})`)
    }
    for (const [i, series] of (results.series ?? []).entries()) {
      const file = `${name}-growth-${i + 1}.svg`
      writeFileSync(join(folder, file), lineChart(series))
      parts.push(`### ${series.title}`, seriesTable(series), `![${series.title}](${file})`)
    }
  }
  writeFileSync(join(folder, 'README.md'), `${parts.join('\n\n')}\n`)
}

export function goalTable(goals: readonly Goal[]): string {
  const rows = goals.map(({ what, value, least, most }) => {
    const reached = (least === undefined || value >= least) && (most === undefined || value <= most)
    const wanted = least === undefined ? `at most ${short(most!)}` : `at least ${short(least)}`
    return [what, short(value), wanted, reached ? 'reached' : Number.isFinite(value) ? '**not reached**' : 'not measured']
  })
  return grid(['goal', 'measured', 'wanted', ''], rows)
}

/** @returns a Markdown table whose ratios are to the first row */
export function markdownTable({ unit, rows }: Table): string {
  const first = rows[0]!.median
  const cells = rows.map((row) => [row.name, ...valueCells(row), short(row.median / first), ...cpuCells(row)])
  return grid(['', unit, 'least to most', 'of the first', 'CPU client, µs', 'CPU server, µs'], cells)
}

function valueCells({ median, least, most, skipped }: Row): string[] {
  return skipped === undefined ? [short(median), `${short(least)} to ${short(most)}`] : ['left out', skipped]
}

function cpuCells({ cpu }: Row): string[] {
  return cpu ? [short(cpu.client), short(cpu.server)] : ['', '']
}

function seriesTable({ x, unit, lines }: Series): string {
  const xs = [...new Set(lines.flatMap(({ points }) => points.map((point) => point.x)))].toSorted((a, b) => a - b)
  const rows = xs.map((value) => [
    short(value),
    ...lines.map(({ points }) => {
      const point = points.find((candidate) => candidate.x === value)
      return point ? short(point.median) : ''
    }),
  ])
  return grid([x, ...lines.map(({ name }) => `${name}, ${unit}`)], rows)
}

function grid(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}
