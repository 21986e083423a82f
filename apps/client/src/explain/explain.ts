/** Records a session, tries every byte of it, and makes the page. */
import { type Flips, flipAll, type FlipOptions } from './flips.ts'
import { layoutOf } from './layout.ts'
import { pageOf } from './page.ts'
import { record, type RecordingOptions } from './recording.ts'

export interface Explained {
  readonly page: string
  /** How many frames were sent, and how many bytes. */
  readonly frames: number
  readonly bytes: number
  readonly flips: Flips
}

export async function explainSession(options: RecordingOptions & FlipOptions): Promise<Explained> {
  const recording = await record(options)
  const layouts = recording.frames.map(layoutOf)
  const flips = await flipAll(recording, layouts, options)
  const { frames } = recording
  const bytes = frames.reduce((sum, frame) => sum + frame.bytes.length, 0)
  return { page: pageOf(recording, layouts, flips), frames: frames.length, bytes, flips }
}
