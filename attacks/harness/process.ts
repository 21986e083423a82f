/** What a process holds, as the system counts it. */
import { printable } from '@countersign/core/protocol'
import { readdirSync, readFileSync } from 'node:fs'

/** Resident memory in MiB. */
export function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
}

/** Open descriptors. */
export function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** How much longer a process is given to let go of what it holds, in ms: longer than any deadline of the peers here. */
const LETTING_GO = 12_000

/** Waits until a process holds no more descriptors, and MiB of memory, than this; what it holds for long it keeps. */
export async function settled(pid: number, descriptors: number, memory: number = Infinity): Promise<void> {
  const until = performance.now() + LETTING_GO
  while ((descriptorsOf(pid) > descriptors || memoryOf(pid) > memory) && performance.now() < until) await pause(100)
}

export function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Whether nothing of what a program printed is acted on by a terminal. */
export function plainLines(text: string): boolean {
  return text.split('\n').every((line) => printable(line) === line)
}
