import { relative } from 'node:path'
import { isUpscaleError, type Upscaler } from 'upscale-core'
import { priceText } from 'upscale-core/internal'
import type { UpscaleRule } from 'upscale-toolkit/rules'

/*
 * A bundler finds references one after the other, so when the first one has to be paid for, nobody knows yet how many
 * will follow. The sources are searched then, once, to name the price of all of them beforehand. It is an estimate: a
 * reference that code puts together is missed, one behind an alias may be counted but not looked up, and one in a file
 * that the build doesn't use is counted too.
 */

/** The most source files that are searched. */
const MAX_FILES = 10_000

/** What is missing and what it will cost, for a person, in one text of a few lines. */
export async function estimateText(
  upscaler: Pick<Upscaler, 'options' | 'parse' | 'plan'>,
  rules: readonly UpscaleRule[],
): Promise<string> {
  // Most builds pay for nothing and need no parsers.
  const { gatherPictures, sourcesIn } = await import('upscale-toolkit/references/sources')
  const { root, budgetMicros, factor } = upscaler.options
  const { wanted, wrong } = await gatherPictures(first(MAX_FILES, sourcesIn(root)), {
    root,
    parse: upscaler.parse,
    nameOf: source => relative(root, source),
    ruled: { rules, factor },
  })
  const planned = await Promise.all(
    wanted.map(({ file, request }) => upscaler.plan(file, request).catch(leaveOut)),
  )
  const text = priceText(
    planned.filter(plan => plan !== undefined),
    budgetMicros,
  )
  const unknown = wrong.filter(({ error }) => error.code === 'SOURCE_NOT_FOUND').length
  if (unknown === 0) return text
  const left = unknown === 1 ? 'a reference' : `${unknown} references`
  return `${text}\n  and ${left} whose file only the bundler can find`
}

/** A picture that can't be made is not paid for; the build itself will say why. */
function leaveOut(error: unknown): undefined {
  if (!isUpscaleError(error)) throw error
}

async function* first<T>(count: number, items: AsyncIterable<T>): AsyncGenerator<T> {
  let taken = 0
  for await (const item of items) {
    if (++taken > count) return
    yield item
  }
}
