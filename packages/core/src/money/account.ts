import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { record } from '../check.ts'

// The ledger as it is read, by whoever wants to know what was paid. Writing it is ledger.ts.

/** A line of the ledger as it was found: some of it may have been written by another version. */
export interface AccountLine {
  /** ISO 8601, UTC. */
  readonly at: string
  readonly event: string
  readonly key: string
  readonly source: string
  readonly engine: string
  readonly model: string
  /** Which order for this key it was. Lines of one order tell one story: `uncertain`, later `charged`, is one charge. */
  readonly attempt: number
  readonly costMicros: number
  readonly requestId?: string
}

/** One order, as the last line about it tells. */
export interface AccountOrder extends AccountLine {
  /** True when an answer was paid for and our checks refused it. */
  readonly rejected: boolean
}

/**
 * Every line of the ledger, oldest day first. A line that was cut off by a crash is left out.
 * @param cacheDir the durable cache root
 */
export async function readAccount(cacheDir: string): Promise<AccountLine[]> {
  const folder = join(cacheDir, 'v1', 'ledger')
  const names = await readdir(folder).catch(() => [])
  const lines: AccountLine[] = []
  for (const name of names.filter(one => one.endsWith('.jsonl')).sort()) {
    const text = await readFile(join(folder, name), 'utf8')
    lines.push(...text.split('\n').flatMap(line => parseLine(line) ?? []))
  }
  return lines
}

function parseLine(text: string): AccountLine | undefined {
  const fields = parse(text)
  if (fields === undefined) return undefined
  const { at, event, key, source, engine, model, attempt, costMicros, requestId } = fields
  const texts = { at, event, key, source, engine, model }
  if (!Object.values(texts).every(value => typeof value === 'string')) return undefined
  return {
    at: String(at),
    event: String(event),
    key: String(key),
    source: String(source),
    engine: String(engine),
    model: String(model),
    attempt: typeof attempt === 'number' ? attempt : 1,
    costMicros: typeof costMicros === 'number' ? costMicros : 0,
    ...(typeof requestId === 'string' ? { requestId } : {}),
  }
}

/** One line an order: the last one that tells what it cost, and whether its answer was refused. */
export function ordersOf(lines: readonly AccountLine[]): AccountOrder[] {
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

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return record.accepts(value) ? value : undefined
  } catch {
    return undefined
  }
}
