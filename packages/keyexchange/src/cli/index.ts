/**
 * The command-line frame that all three programs share.
 *
 * ```ts
 * await runProgram(async (interrupted) => {
 *   const program = createProgram('countersign-client', 'Sends messages.', new URL('../package.json', import.meta.url))
 *   program.command('send').action(async (_, command: Command) => {
 *     const options = command.optsWithGlobals<CommonOptions>()
 *     const output = outputOf(options)
 *     ...
 *   })
 *   await parseProgram(program)
 * })
 * ```
 */
export { formatAddress, parseAddress } from '../commands/address.ts'
export { CliError, EXIT } from './exit.ts'
export type { ExitCode } from './exit.ts'
export { printCheck } from './check.ts'
export type { Check } from './check.ts'
export { addCommands } from './commands.ts'
export type { AddCommand, Commands } from './commands.ts'
export { keepCompiled } from './compiled.ts'
export { describeFailure, unsoundness } from './failure.ts'
export type { Failure } from './failure.ts'
export { environmentKeyLog } from './key-log.ts'
export { noCommand } from './no-command.ts'
export { Output } from './output.ts'
export type { Notice, OutputOptions } from './output.ts'
export { parsedBy, parseId, parseIdRange, portOption, timeoutOption, traceOption } from './options.ts'
export { createProgram, outputOf, parseProgram, passphraseAsker, passphraseSource } from './program.ts'
export type { CommonOptions } from './program.ts'
export { progressBar } from './progress.ts'
export type { Progress } from './progress.ts'
export { formatSize, parseDuration, parseSize } from './quantity.ts'
export { printFailure, runProgram } from './run.ts'
export { answered, askSecret, readSecret, requireInteractive } from './secret.ts'
export type { SecretSource } from './secret.ts'
export { printable, style, styleError } from './text.ts'
export { narrator } from './trace.ts'
export { verifyCommand } from './verify.ts'
export type { VerifyEvidence } from './verify.ts'
