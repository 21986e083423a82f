/** Runs the programs as a person would: as processes, on homes of their own in a temporary folder. */
export { Sandbox } from './sandbox.ts'
export type { KeyType, Home } from './sandbox.ts'
export { hasTerminals, run, start, startInTerminal, startLineInTerminal } from './process.ts'
export type { Outcome, Program, RunOptions, Running } from './process.ts'
