/**
 * Follows every link of the pages, and runs every block of shell that is not tagged with why not:
 * `pnpm run docs:try [PAGE...]`.
 *
 * Where the system allows it, in a network of its own: ports are as the pages say, and none is taken.
 */
import { spawnSync } from 'node:child_process'
import { relative } from 'node:path'
import { root } from '../workspace.ts'
import { type Block, blocksOf } from './blocks.ts'
import { brokenLink, isOutward, linksOf, type Page, pages, readPage } from './markdown.ts'
import { runStory } from './story.ts'

const words = process.argv.slice(2)

const OWN_NETWORK = [
  'unshare',
  ['--user', '--map-root-user', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'],
] as const
const IN_OWN_NETWORK = 'COUNTERSIGN_OWN_NETWORK'

function inOwnNetwork(command: readonly string[], stdio: 'ignore' | 'inherit'): number | null {
  const [program, options] = OWN_NETWORK
  return spawnSync(program, [...options, ...command], { stdio, env: { ...process.env, [IN_OWN_NETWORK]: '1' } }).status
}

if (process.env[IN_OWN_NETWORK] === undefined && inOwnNetwork(['true'], 'ignore') === 0) {
  process.exit(inOwnNetwork([process.execPath, ...process.execArgv, import.meta.filename, ...words], 'inherit') ?? 1)
}

function fail(what: unknown): void {
  console.error(`error: ${what instanceof Error ? what.message : String(what)}`)
  process.exitCode = 1
}

function checkLinks(all: readonly Page[]): void {
  let [within, outward, broken] = [0, 0, 0]
  for (const page of all) {
    for (const link of linksOf(page)) {
      const why = brokenLink(page, link)
      if (why !== undefined) fail(`${page.path}:${link.line}: ${link.href}: ${why}`)
      if (why !== undefined) broken++
      else if (isOutward(link.href)) outward++
      else within++
    }
  }
  console.log(
    `links: ${within} within the repository lead somewhere, ${broken} do not; ${outward} lead out of it and are not followed`,
  )
}

/** Blocks up to the next one that begins afresh. */
function storiesOf(blocks: readonly Block[]): Block[][] {
  const stories: Block[][] = []
  for (const block of blocks) {
    if (block.afresh || stories.length === 0) stories.push([])
    stories.at(-1)!.push(block)
  }
  return stories
}

async function runBlocks(all: readonly Page[]): Promise<void> {
  let run = 0
  const reasons: string[] = []
  for (const page of all) {
    try {
      const blocks = blocksOf(page)
      reasons.push(...blocks.flatMap(({ reason }) => reason ?? []))
      for (const story of storiesOf(blocks.filter(({ reason }) => reason === undefined))) {
        const began = performance.now()
        await runStory(page.path, story)
        run += story.length
        const seconds = ((performance.now() - began) / 1000).toFixed(1)
        console.log(`  ${page.path}: ${story.length} from line ${story[0]!.line} on, in ${seconds} s`)
      }
    } catch (error) {
      fail(error)
    }
  }
  console.log(`blocks: ${run} run, ${reasons.length} not run`)
  for (const [reason, some] of Object.entries(Object.groupBy(reasons, (reason) => reason)))
    console.log(`  ${some!.length}  ${reason}`)
}

const all = words.length > 0 ? words.map((word) => readPage(relative(root, word))) : pages()
checkLinks(all)
await runBlocks(all)
