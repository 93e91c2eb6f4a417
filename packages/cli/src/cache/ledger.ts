import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Fields, isFields } from './reader.ts'

/** One line of the account that paid engines are kept in. */
export interface LedgerLine {
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

/** Every line of the ledger, oldest day first. A line that was cut off by a crash is left out. */
export async function readLedger(cacheDir: string): Promise<LedgerLine[]> {
  const folder = join(cacheDir, 'v1', 'ledger')
  const names = await readdir(folder).catch(() => [])
  const lines: LedgerLine[] = []
  for (const name of names.filter(one => one.endsWith('.jsonl')).sort()) {
    const text = await readFile(join(folder, name), 'utf8')
    lines.push(...text.split('\n').flatMap(line => parseLine(line) ?? []))
  }
  return lines
}

function parseLine(text: string): LedgerLine | undefined {
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

function parse(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isFields(value) ? value : undefined
  } catch {
    return undefined
  }
}
