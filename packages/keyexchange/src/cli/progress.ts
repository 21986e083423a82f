/** How far a long piece of work has come: a bar on standard error, where that is a terminal. */
import type { Output } from './output.ts'
import { formatSize } from './quantity.ts'

/** Disposed of when the work is over. */
export interface Progress extends Disposable {
  /** Says how far the work has come: `done` of the total; less than before where some of it has to be done again. */
  reach(done: number): void
}

const NONE: Progress = { reach() {}, [Symbol.dispose]() {} }

/**
 * Shows a bar, where there is a terminal to show it on.
 *
 * @param unit what the total counts; bytes are shown as sizes
 */
export async function progressBar(output: Output, label: string, total: number, unit: 'bytes' | 'entries'): Promise<Progress> {
  if (output.quiet || process.stderr.isTTY !== true) return NONE
  const { SingleBar } = await import('cli-progress')
  const bar = new SingleBar({
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    format: `${label} {bar} {percentage}%  {value} of {total}`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    formatValue: (value, _, type) =>
      (type === 'value' || type === 'total') && unit === 'bytes' ? formatSize(value) : String(value),
  })
  bar.start(total, 0)
  let shown = true
  return {
    reach(done) {
      if (done >= total) bar.stop()
      else if (shown) bar.update(done)
      else bar.start(total, done)
      shown = done < total
    },
    [Symbol.dispose]: () => bar.stop(),
  }
}
