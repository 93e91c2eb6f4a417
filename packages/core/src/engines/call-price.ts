import type { Engine, OrderSize } from './engine.ts'

/** What services that charge by the megapixel count as one: Ideogram's own quotes fit to the last digit. */
const MEGAPIXEL = 1_000_000

/** What a call is expected to cost, in millionths of a US dollar: begun millionths count. 0 for a free engine. */
export function priceOf(
  { priceMicros, pricedBy }: Pick<Engine, 'priceMicros' | 'pricedBy'>,
  { width, height, scale }: OrderSize,
): number {
  if (pricedBy !== 'megapixel') return priceMicros
  return Math.ceil((Math.round(width * scale) * Math.round(height * scale) * priceMicros) / MEGAPIXEL)
}
