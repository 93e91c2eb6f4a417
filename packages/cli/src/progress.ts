import { dollars, type Upscaler } from 'upscale-core'
import type { Printer } from './print.ts'

/** Tells how far a run is: one line that is drawn over on a terminal, a line a picture elsewhere. */
export interface Progress {
  /** The number of pictures, once it is known. */
  total: number | undefined
  begin(name: string): void
  /** @param text said in a log that can't be drawn over; undefined for a picture that needs no line */
  end(name: string, outcome: { readonly cached: boolean; readonly text: string | undefined }): void
  /** Removes the live line. */
  clear(): void
}

/** Drawing more often would cost more than it tells. */
const DRAW_EVERY_MS = 80

export function createProgress(print: Printer, upscaler: Pick<Upscaler, 'report'>): Progress {
  let done = 0
  let cached = 0
  let drawnAt = 0
  const current = new Set<string>()

  function draw(): void {
    const now = performance.now()
    if (!print.live || now - drawnAt < DRAW_EVERY_MS) return
    drawnAt = now
    const [name = ''] = current
    const of = progress.total === undefined ? `${done}` : `${done}/${progress.total}`
    print.line(`${of}  ${cached} cached  ${dollars(upscaler.report().spentMicros)}  ${name}`)
  }

  const progress: Progress = {
    total: undefined,
    begin(name) {
      current.add(name)
      draw()
    },
    end(name, outcome) {
      done++
      if (outcome.cached) cached++
      current.delete(name)
      const of = progress.total === undefined ? `${done}` : `${done}/${progress.total}`
      if (!print.live && outcome.text !== undefined) print.note(`[${of}] ${outcome.text}`)
      draw()
    },
    clear: () => print.line(''),
  }
  return progress
}
