import { dollars } from '../engines/dollars.ts'
import { escapeText } from '../safe-text.ts'
import type { PlannedImage } from './plan.ts'

/** The most pictures that {@link priceText} names one by one. */
const MAX_NAMED = 10

/** What is about to be paid for, for a person: a line in all, then one a picture. */
export function priceText(planned: readonly PlannedImage[], budgetMicros: number): string {
  const missing = planned.filter(({ priceMicros }) => priceMicros > 0)
  const total = missing.reduce((sum, { priceMicros }) => sum + priceMicros, 0)
  const named = missing
    .slice(0, MAX_NAMED)
    .map(({ source, factor, engine, priceMicros }) =>
      escapeText(`  ${source} ×${factor} by ${engine}, ${dollars(priceMicros)}`),
    )
  const rest = missing.length > MAX_NAMED ? [`  and ${missing.length - MAX_NAMED} more`] : []
  const count = `${missing.length} picture${missing.length === 1 ? ' is' : 's are'} not in the cache`
  const head = `before the first paid call: ${count}, ${dollars(total)} (budget ${dollars(budgetMicros)})`
  return [head, ...named, ...rest].join('\n')
}
