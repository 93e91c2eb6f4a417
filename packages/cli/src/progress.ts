import type { Upscaler } from 'upscale-core'
import { createProgress as countProgress, type ProgressOutcome } from 'upscale-toolkit/terminal'
import type { Printer } from './print.ts'

/** Tells how far a run is: one line that is drawn over on a terminal, a line a picture elsewhere. */
export interface Progress {
  /** The number of pictures, once it is known. */
  total: number | undefined
  /**
   * A picture's turn.
   * @returns to be called at its end; the text is said in a log that can't be drawn over, undefined for a picture that
   *   needs no line
   */
  begin(name: string): (outcome: ProgressOutcome, text: string | undefined) => void
}

/** Drawing more often would cost more than it tells. */
const DRAW_EVERY_MS = 100

export function createProgress(print: Printer, upscaler: Pick<Upscaler, 'report'>): Progress {
  const outlet = { everyMs: DRAW_EVERY_MS, show: print.draw, clear: print.clear }
  const count = countProgress(outlet, () => upscaler.report().spentMicros)
  let done = 0
  return {
    get total() {
      return count.total
    },
    set total(total) {
      count.total = total
    },
    begin(name) {
      // A name may come twice.
      const end = count.begin(undefined, name)
      return (outcome, text) => {
        end(outcome)
        done++
        const of = count.total === undefined ? `${done}` : `${done}/${count.total}`
        if (!print.live && text !== undefined) print.note(`[${of}] ${text}`)
      }
    },
  }
}
