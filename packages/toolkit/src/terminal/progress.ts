import cutToWidth from 'fast-string-truncated-width'
import { dollars, safeText } from 'upscale-core/internal'

/** How far the work on many pictures is, told while it goes on: nothing before a second of work, nothing for hits. */
export interface Progress {
  /** The number of pictures where it is known beforehand; else those that were begun count. */
  total: number | undefined
  /**
   * A picture is asked for. The same one twice counts once.
   * @param key tells pictures apart; without one it is another than all before, and nothing is kept of it
   * @param name for the user, such as `hero.png`
   * @returns to be called when it is there or refused
   */
  begin(key: string | undefined, name: string): (outcome: ProgressOutcome) => void
  /** One that was there before anybody waited, and that nobody begins. */
  note(): void
  /** Forgets what was counted, and takes away what is shown: the next picture is the first again. */
  reset(): void
}

/** Whether a picture took work, be it in vain, or was there already. */
export type ProgressOutcome = 'worked' | 'cached'

/** Where the text goes. */
export interface ProgressOutlet {
  /** The least time between two texts, in milliseconds. */
  readonly everyMs: number
  /** Shows a text in place of the one before, where that can be. @param textFor gives it in as many columns as fit */
  show(textFor: (columns: number) => string): void
  /** Takes it away while nothing is to be waited for. */
  clear(): void
}

/** Facts of {@link progressText}. */
export interface ProgressFacts {
  readonly done: number
  readonly total: number
  /** Of those done. */
  readonly cached: number
  /** The picture that is worked on; empty when unknown. */
  readonly name: string
  readonly spentMicros: number
  /** Milliseconds; undefined while there is too little to tell from. */
  readonly leftMs: number | undefined
}

/** Work that is shorter than this is not told of, in milliseconds. */
const SILENT_MS = 1000

/** Before a few pictures were made in a few seconds, the time left would be a guess. */
const FEW_PICTURES = 2
const FEW_MS = 3000

/** A name that would be cut shorter says nothing, in columns. */
const SHORTEST_NAME = 6

/**
 * @param outlet where the text goes
 * @param spentMicros what was paid so far, in millionths of a US dollar
 */
export function createProgress(outlet: ProgressOutlet, spentMicros: () => number): Progress {
  const seen = new Set<string>()
  // Of those without a key, nothing else is kept.
  let unnamed = 0
  /** Names, by whose turn it is. */
  const pending = new Map<object, string>()
  const done = { worked: 0, cached: 0 }
  // Time counts only while a picture is waited for. Hits are there before any timer, so they take none.
  let busyMs = 0
  let busySince = 0
  let shownAt = Number.NEGATIVE_INFINITY
  let isShown = false
  let timer: NodeJS.Timeout | undefined

  const busyUntil = (now: number): number => busyMs + (pending.size > 0 ? now - busySince : 0)

  function factsAt(now: number): ProgressFacts {
    const { worked, cached } = done
    const ended = worked + cached
    const begun = seen.size + unnamed
    const total = Math.max(progress.total ?? 0, begun)
    // Of those nobody asked for yet, as many will be hits as were until now.
    const ahead = pending.size + (total - begun) * (ended === 0 ? 1 : worked / ended)
    const busy = busyUntil(now)
    const isKnown = worked >= FEW_PICTURES && busy >= FEW_MS
    return {
      done: ended,
      total,
      cached,
      name: [...pending.values()][0] ?? '',
      spentMicros: spentMicros(),
      leftMs: isKnown ? (ahead * busy) / worked : undefined,
    }
  }

  /** When there is something to tell at the earliest, in milliseconds from now. */
  const waitAt = (now: number): number =>
    Math.max(SILENT_MS - busyUntil(now), shownAt + outlet.everyMs - now, 0)

  function schedule(now: number): void {
    if (timer !== undefined) return
    timer = setTimeout(wake, waitAt(now))
    timer.unref()
  }

  /** A timer outlives what it was for: setting one for each of a thousand hits would cost more than the hits. */
  function wake(): void {
    timer = undefined
    if (pending.size === 0) return
    const now = performance.now()
    if (waitAt(now) < 1) show(now)
    schedule(now)
  }

  function show(now: number): void {
    shownAt = now
    isShown = true
    outlet.show(columns => progressText(factsAt(now), columns))
  }

  function rest(now: number): void {
    busyMs = busyUntil(now)
    if (!isShown) return
    isShown = false
    outlet.clear()
  }

  const progress: Progress = {
    total: undefined,
    begin(key, name) {
      if (key === undefined) unnamed++
      else if (seen.has(key)) return () => {}
      else seen.add(key)
      const turn = {}
      const now = performance.now()
      const isFirst = pending.size === 0
      if (isFirst) busySince = now
      pending.set(turn, name)
      if (isFirst) schedule(now)
      return outcome => {
        // After a reset, or a second time, it is not waited for.
        if (!pending.has(turn)) return
        const end = performance.now()
        if (pending.size === 1) rest(end)
        pending.delete(turn)
        done[outcome]++
      }
    },
    note() {
      unnamed++
      done.cached++
    },
    reset() {
      if (pending.size > 0) rest(performance.now())
      clearTimeout(timer)
      timer = undefined
      pending.clear()
      seen.clear()
      unnamed = 0
      Object.assign(done, { worked: 0, cached: 0 })
      busyMs = 0
    },
  }
  return progress
}

/**
 * `12/40 hero.png · 3 cached · US$0.72 · 1 m left`, in at most so many columns: the name is cut first, since the
 * numbers are what is looked for.
 */
export function progressText(facts: ProgressFacts, columns: number = Number.POSITIVE_INFINITY): string {
  const { done, total, cached, name, spentMicros, leftMs } = facts
  const count = `${done}/${total}`
  const others = [
    ...(cached > 0 ? [`${cached} cached`] : []),
    ...(spentMicros > 0 ? [dollars(spentMicros)] : []),
    ...(leftMs === undefined ? [] : [`${timeText(leftMs)} left`]),
  ].map(text => ` · ${text}`)
  const numbers = count + others.join('')
  const room = columns - numbers.length - 1
  const shown = room < SHORTEST_NAME || name === '' ? '' : ` ${cut(safeText(name), room)}`
  return cut(count + shown + others.join(''), columns)
}

/** As many columns of a text as fit; letters of some scripts take two. */
function cut(text: string, columns: number): string {
  const { index, ellipsed } = cutToWidth(text, { limit: columns, ellipsis: '…', ellipsisWidth: 1 })
  return ellipsed ? `${text.slice(0, index)}…` : text
}

function timeText(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000)
  if (seconds < 10) return `${seconds} s`
  // More digits would only show how the guess changes.
  if (seconds < 55) return `${Math.ceil(seconds / 5) * 5} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 60 ? `${minutes} m` : `${Math.floor(minutes / 60)} h ${minutes % 60} m`
}
