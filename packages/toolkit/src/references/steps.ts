import { createRounds } from 'upscale-core/internal'

/** Work that can be left alone now and then: nothing is said by what it yields, and between two steps others have their turn. */
export type Steps<T> = Generator<undefined, T, undefined>

export function atOnce<T>(steps: Steps<T>): T {
  let step = steps.next()
  while (step.done !== true) step = steps.next()
  return step.value
}

/** The same while the event loop goes round. */
export async function inRounds<T>(steps: Steps<T>): Promise<T> {
  const { turn } = createRounds()
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value
    const wait = turn()
    if (wait !== undefined) await wait
  }
}
