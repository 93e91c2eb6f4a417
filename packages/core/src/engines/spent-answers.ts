import type { PixelEngine } from './engine.ts'

/*
 * Engines that keep nothing of what they returned, so that its memory is used for another result once the file is made.
 * Said of the object itself and not by a field of it: in `{ ...resize, upscale }` that would go along to an engine that may
 * well keep what the first returns.
 */

const forgetful = new WeakSet<PixelEngine>()

/** Says that an engine keeps nothing of its answers, and that nobody else is given them. */
export function forgetsAnswers(engine: PixelEngine): PixelEngine {
  forgetful.add(engine)
  return engine
}

export function areAnswersSpent(engine: PixelEngine): boolean {
  return forgetful.has(engine)
}
