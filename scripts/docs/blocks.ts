/** The shell blocks of a page: what is to be run, on which machine, and what a reader is promised to see. */
import type { Page } from './markdown.ts'

/** A block of shell, or what is said to stand in the way of running it. */
export interface Block {
  /** The block's line in its page, from 1 */
  readonly line: number
  /** Why it is not run */
  readonly reason?: string
  /** Whether machines without a past begin here */
  readonly afresh: boolean
  readonly steps: readonly Step[]
}

/** A command, or what an earlier one goes on to print. */
export interface Step {
  readonly line: number
  /** The name in front of the prompt, often none; where an earlier command goes on, its machine or how it begins */
  readonly machine: string
  /** Undefined where an earlier one goes on */
  readonly command?: string
  /** The lines that it prints, where the page shows any; `…` stands for any number of lines */
  readonly shown: readonly string[]
}

const PROMPT = /^(?<machine>[a-z][a-z0-9-]*)?\$ (?<command>.*)$/
const COMMAND = /^(?:\S*\$ |(?:npx|pnpm|npm|node|git|openssl|curl|sudo|systemctl|countersign-\w+) )/
const TAG = /^<!-- (?:(?<not>not run: (?<reason>\S.*?))|(?<afresh>run: afresh)|goes on: (?<goesOn>\S.*?)) -->\s*$/
const LIKE_A_TAG = /^<!--\s*(?:not )?(?:run|goes on)\b/i

/** @throws Error where a block or its tag has a form that nothing could be done with */
export function blocksOf({ path, tokens }: Page): Block[] {
  return tokens.flatMap((token, i) => {
    if (token.type !== 'fence') return []
    const line = token.map![0] + 1
    const before = tokens[i - 1]
    const comment = before?.type === 'html_block' ? before.content : ''
    const tag = TAG.exec(comment)?.groups
    const fail = (what: string): never => {
      throw new Error(`${path}:${line}: ${what}`)
    }
    if (!tag && LIKE_A_TAG.test(comment)) fail(`there is no tag like ${comment.trim()}`)
    const language = token.info.trim().split(/\s/)[0]!
    const lines = token.content.replace(/\n$/, '').split('\n')
    if (!isShell(language, lines, tag?.['goesOn'])) return tag ? fail('only a block of shell has a tag') : []
    if (language === '' || /^(bash|shell|shell-session|zsh)$/.test(language))
      fail('call it sh (commands) or console (with prompts)')
    const afresh = tag?.['afresh'] !== undefined
    if (tag?.['reason'] !== undefined) return [{ line, reason: tag['reason'], afresh, steps: [] }]
    const steps = language === 'sh' ? [script(lines, line + 1)] : session(lines, line + 1, tag?.['goesOn'])
    if (steps.length === 0) fail('no line of it has a prompt')
    return [{ line, afresh, steps }]
  })
}

function isShell(language: string, lines: readonly string[], goesOn: string | undefined): boolean {
  if (/^(sh|bash|zsh|shell|shell-session|console)$/.test(language) || goesOn !== undefined) return true
  return language === '' && lines.some((line) => COMMAND.test(line))
}

/** Commands alone: one script, of which each line has to succeed. */
function script(lines: readonly string[], line: number): Step {
  return { line, machine: '', command: `set -e\n${lines.join('\n')}`, shown: [] }
}

/** Prompts and what stands below them. */
function session(lines: readonly string[], first: number, goesOn: string | undefined): Step[] {
  const steps: { line: number; machine: string; command?: string; shown: string[] }[] = []
  if (goesOn !== undefined) steps.push({ line: first, machine: goesOn, shown: [] })
  for (const [i, line] of lines.entries()) {
    const prompt = PROMPT.exec(line)?.groups
    const last = steps.at(-1)
    if (last?.command !== undefined && goesOnBelow(last.command)) last.command += `\n${line}`
    else if (prompt) steps.push({ line: first + i, machine: prompt['machine'] ?? '', command: prompt['command']!, shown: [] })
    else if (!line.startsWith('# ')) last?.shown.push(line)
  }
  for (const { shown } of steps) while (shown.at(-1)?.trim() === '') shown.pop()
  return steps
}

/** Whether a command is not whole yet: it ends with a backslash, or within quotes. */
function goesOnBelow(command: string): boolean {
  const outside = command.replaceAll(/'[^']*'|"(?:\\.|[^"\\])*"/gs, '')
  return command.endsWith('\\') || /['"]/.test(outside)
}
