/** Runs the programs as a person would: as processes, on homes of their own in a temporary folder. */
export { Sandbox } from './sandbox.ts'
export type { KeyType, Home } from './sandbox.ts'
export { hasTerminals, run, Running, start, startInTerminal, startLineInTerminal } from './process.ts'
export type { Outcome, Program, RunOptions } from './process.ts'
