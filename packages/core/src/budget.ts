import { UpscaleError } from './errors.ts'

/** Money held and spent in one run, in millionths of a US dollar. */
export interface Budget {
  /**
   * Holds the price of a call before it is made.
   * @throws UpscaleError BUDGET_EXCEEDED when it does not fit
   */
  reserve(priceMicros: number): Reservation
  readonly spentMicros: number
}

export interface Reservation {
  /** The call was made; `costMicros` is what the service says it charged. The larger of price and cost counts. */
  spend(costMicros: number | undefined): number
  /** The call was certainly not charged. */
  cancel(): void
}

export function createBudget(capMicros: number): Budget {
  let reserved = 0
  let spent = 0
  return {
    get spentMicros() {
      return spent
    },
    reserve(priceMicros) {
      if (spent + reserved + priceMicros > capMicros) {
        throw new UpscaleError(
          'BUDGET_EXCEEDED',
          `the next call costs ${dollars(priceMicros)}, ${dollars(spent + reserved)} of the ${dollars(capMicros)} of this run are spent`,
          { hint: 'raise "budget" (US dollars a run), or use the engine "local"' },
        )
      }
      reserved += priceMicros
      let open = true
      const close = (): void => {
        if (open) reserved -= priceMicros
        open = false
      }
      return {
        spend(costMicros) {
          close()
          const charged = Math.max(priceMicros, costMicros ?? 0)
          spent += charged
          return charged
        },
        cancel: close,
      }
    },
  }
}

/** `60000` → `US$0.06`. */
export function dollars(micros: number): string {
  const text = (micros / 1e6).toFixed(6).replace(/0+$/, '')
  const [whole = '0', cents = ''] = text.split('.')
  return `US$${whole}.${cents.padEnd(2, '0')}`
}
