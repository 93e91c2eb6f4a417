import { openLiveLine, type ProgressOutlet } from 'upscale-toolkit/terminal'

/** The host's own way to tell its user something. */
export interface HostLogger {
  info(text: string): void
  warn(text: string): void
  /** False where the user wants to hear of problems only. Asked for when it matters, since a host may settle it late. */
  readonly isTalkative: boolean
}

/** How often a line is drawn on a terminal and written to a log, in milliseconds. */
const DRAWN_EVERY_MS = 100
const WRITTEN_EVERY_MS = 10_000

/** Where the progress of a build is seen: a live line on a terminal, else a line in the host's log now and then. */
export function progressOutlet(logger: HostLogger): ProgressOutlet {
  const line = openLiveLine(process)
  if (line === undefined) {
    return {
      everyMs: WRITTEN_EVERY_MS,
      show: textFor => logger.info(textFor(Number.POSITIVE_INFINITY)),
      clear: () => {},
    }
  }
  return {
    everyMs: DRAWN_EVERY_MS,
    show(textFor) {
      if (logger.isTalkative) line.draw(columns => PREFIX + textFor(columns - PREFIX.length))
    },
    clear: () => line.clear(),
  }
}

/** Says whose line it is; a host's logger does so by itself. */
const PREFIX = '[upscale] '
