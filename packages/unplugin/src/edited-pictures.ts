import { setTimeout as sleep } from 'node:timers/promises'
import { fileState } from './file-state.ts'

// Whoever works on a picture saves it again and again, and while files are watched each state would be bought, those that
// nobody will look at among them. So a picture is bought once at a time, and one that was edited since it was asked for
// last is bought only when it has been left alone for a while: of five saves in ten seconds the first and the last are paid
// for. What need not be bought waits for nothing.

export interface EditedPictures {
  /**
   * Makes a picture, when it is its turn.
   * @param key names the picture in all its states
   * @param mustBuy whether the state that the source has now would be paid for
   */
  during<T>(key: string, source: string, mustBuy: () => Promise<boolean>, make: () => Promise<T>): Promise<T>
}

/** How long a picture must have been left alone, in milliseconds. */
const QUIET_MS = 2000

/** How often a picture that is not left alone at all is bought, in milliseconds: a program may write it. */
const RESTLESS_MS = 60_000

const LOOK_MS = 100

interface Turn {
  /** What the source was when it was asked for. */
  readonly state: string
  /** When it may be made; undefined when it could be at once. */
  readonly ready: Promise<void> | undefined
  readonly end: Promise<void>
}

/** @param isOver true when no call is begun any longer, so that there is nothing to wait for */
export function createEditedPictures(
  isOver: () => boolean,
  pause: (ms: number) => Promise<unknown> = sleep,
): EditedPictures {
  const turns = new Map<string, Turn>()

  async function leftAlone(source: string): Promise<void> {
    let state = fileState(source)
    for (let quietMs = 0, waitedMs = 0; quietMs < QUIET_MS && waitedMs < RESTLESS_MS && !isOver(); ) {
      await pause(LOOK_MS)
      const now = fileState(source)
      quietMs = now === state ? quietMs + LOOK_MS : 0
      waitedMs += LOOK_MS
      state = now
    }
  }

  async function turnAfter(before: Turn, source: string, mustBuy: () => Promise<boolean>): Promise<void> {
    if (!(await mustBuy())) return
    await before.end
    // What was made before may have been of the state that the source has now.
    if (await mustBuy()) await leftAlone(source)
  }

  return {
    during(key, source, mustBuy, make) {
      const state = fileState(source)
      const before = turns.get(key)
      const isEdited = before !== undefined && before.state !== state
      const ready = isEdited ? turnAfter(before, source, mustBuy) : before?.ready
      const work = ready === undefined ? make() : ready.then(make)
      // Without what came of them: a picture that is asked for at every build would keep all that was made of it.
      const end = Promise.allSettled([before?.end, work]).then(() => {})
      turns.set(key, { state, ready, end })
      return work
    },
  }
}
