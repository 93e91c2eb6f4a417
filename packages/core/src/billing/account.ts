import type { LedgerEntry } from './ledger.ts'

/** One order, as the last line about it tells. */
export interface AccountOrder extends LedgerEntry {
  /** True when an answer was paid for and our checks refused it. */
  readonly rejected: boolean
}

/** One line an order: the last one that tells what it cost, and whether its answer was refused. */
export function ordersOf(lines: readonly LedgerEntry[]): AccountOrder[] {
  const orders = new Map<string, AccountOrder>()
  for (const line of lines) {
    const key = `${line.key} ${line.attempt}`
    if (['charged', 'uncertain', 'free'].includes(line.event)) orders.set(key, { ...line, rejected: false })
  }
  const refused = new Set(lines.filter(({ event }) => event === 'rejected').map(({ key }) => key))
  return [...orders.values()].map(order => ({
    ...order,
    rejected: order.event === 'charged' && refused.has(order.key),
  }))
}
