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

/** Waits until a process has as few descriptors as before, or for so long; what is left open by then is left open. */
export async function settled(pid: number, descriptors: number, ms: number = 12_000): Promise<void> {
  for (const until = performance.now() + ms; descriptorsOf(pid) > descriptors && performance.now() < until;) await pause(100)
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
