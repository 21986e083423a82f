/** `keys rotate` and `keys accept-rotation`: a new key, vouched for by the old one. */
import { type Command, Option } from 'commander'
import { readFileSync } from 'node:fs'
import { isoDate } from '../home/about.ts'
import { parseDuration } from '../cli/quantity.ts'
import { acceptRotation, rotate } from '../home/rotate.ts'
import { parsedBy } from '../cli/options.ts'
import { asOption, contextOf, homeOf, keyRecord, type KeysOptions, pathsOf, roleOf } from './context.ts'

interface RotateOptions extends KeysOptions {
  readonly overlap: number
}

export function rotateKey(program: Command): void {
  const overlap = new Option('--overlap <time>', 'how long both keys are good, such as 7d, 12h, 30m, 45s')
    .argParser(parsedBy(parseDuration, 'a number and d, h, m or s, 3650d at most'))
    .default(parseDuration('7d'), '7d')
  program
    .command('rotate')
    .description('make a new key, vouched for by the old one')
    .addOption(overlap)
    .addOption(asOption())
    .action(async (_: unknown, command: Command) => {
      const context = contextOf<RotateOptions>(command)
      const paths = pathsOf(context, roleOf(context))
      const { publicKey, statement, notAfter } = await rotate(paths, context.ask, context.options.overlap)
      const record = keyRecord(publicKey)
      const until = isoDate(notAfter)
      context.output.result({ ...record, statement, notAfter: until }, [
        `this home has a new ${record.type} key; the old one is good until ${until}`,
        `  ${record.fingerprint}`,
        `  ${record.words}`,
        'hand this statement to each peer, who runs `keys accept-rotation` with it:',
        `  ${statement}`,
        'a server that runs has the new key at once; a client takes it when it is next started',
      ])
    })
}

export function acceptKey(program: Command): void {
  program
    .command('accept-rotation')
    .description("pin a peer's new key, which the old one vouches for")
    .argument('<file>', 'the statement that the peer has handed over; - reads standard input')
    .addOption(asOption())
    .action((path: string, _: unknown, command: Command) => {
      const context = contextOf(command)
      const statement = readFileSync(path === '-' ? 0 : path, 'utf8')
      const { name, publicKey, notAfter, existed } = acceptRotation(homeOf(context), statement)
      const record = keyRecord(publicKey)
      const until = isoDate(notAfter)
      context.output.result({ peer: name, existed, ...record, notAfter: until }, [
        existed
          ? `${name} had this key already; nothing was changed`
          : `${name} has a new key; the old one is good until ${until}`,
        `  ${record.fingerprint}`,
        `  ${record.words}`,
      ])
    })
}
