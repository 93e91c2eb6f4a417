import type { Report } from 'upscale-core'
import { dollars } from 'upscale-core/internal'
import { EXIT, exitCodeOf } from '../exit-codes.ts'
import { shownPath } from '../files/operands.ts'
import { errorFacts, type Printer } from '../print.ts'
import { count, printBytes, printTable } from '../table.ts'
import type { Row } from './run-picture.ts'

/** Counts what became of the pictures, and tells it at the end. */
export interface Tally {
  readonly seen: number
  add(row: Row): void
  /** A line for a log; undefined for a picture that nothing was done about. */
  lineOf(row: Row): string | undefined
  /** Prints the end of a run and returns the exit code. */
  finish(report: Report, interrupted: boolean): number
}

/** A table of more rows than this is no help to a person; the files and the log are there. */
const MAX_TABLE_ROWS = 40

export function createTally(print: Printer, cwd: string): Tally {
  const counts = new Map<string, number>()
  const errors: unknown[] = []
  const rows: Row[] = []
  let seen = 0
  let priceMicros = 0

  function countIn(what: string): void {
    counts.set(what, (counts.get(what) ?? 0) + 1)
  }

  function add(row: Row): void {
    seen++
    countIn(row.state)
    if (row.origin !== undefined) countIn(row.origin)
    priceMicros += row.priceMicros ?? 0
    // Only documents need every row, so that a folder of any size costs no memory otherwise.
    if (print.json || rows.length <= MAX_TABLE_ROWS) rows.push(row)
    if (row.state !== 'failed') return
    errors.push(row.error)
    if (row.error !== undefined) print.error(row.error)
  }

  return {
    get seen() {
      return seen
    },
    add,
    lineOf: row =>
      row.state === 'written' || row.state === 'planned' ? printRow(row, cwd).join('  ') : undefined,
    finish(report, interrupted) {
      const { spentMicros, notices } = report
      rows.sort((a, b) => (a.source < b.source ? -1 : 1))
      const shown = rows.filter(row => row.state !== 'failed' && row.state !== 'stopped')
      if (seen <= MAX_TABLE_ROWS && shown.length > 0)
        print.result(printTable(shown.map(row => printRow(row, cwd))))
      print.result(summaryOf(counts, { priceMicros, spentMicros }, print))
      print.document({
        images: rows.map(row => (row.error === undefined ? row : { ...row, error: errorFacts(row.error) })),
        counts: Object.fromEntries(counts),
        spentMicros,
        ...(counts.has('planned') ? { priceMicros } : {}),
        interrupted,
        notices,
      })
      return interrupted ? EXIT.interrupted : exitCodeOf(errors)
    },
  }
}

function printRow(row: Row, cwd: string): string[] {
  const from =
    row.plan ?? (row.origin === undefined ? row.state : row.state === 'unchanged' ? 'unchanged' : row.origin)
  const size = row.width === undefined ? '' : `${row.width} × ${row.height}`
  const price = row.priceMicros === undefined ? '' : dollars(row.priceMicros)
  return [
    shownPath(row.source, cwd),
    row.output === undefined ? '' : `→ ${shownPath(row.output, cwd)}`,
    size,
    row.bytes === undefined ? price : printBytes(row.bytes),
    row.state === 'skipped' ? 'large enough' : from,
  ]
}

interface Money {
  /** What the pictures that a dry run found missing would cost. */
  readonly priceMicros: number
  readonly spentMicros: number
}

/** One line about a run. */
function summaryOf(counts: ReadonlyMap<string, number>, money: Money, { paint }: Printer): string {
  const of = (name: string): number => counts.get(name) ?? 0
  const parts = [
    of('planned') > 0
      ? `${count(of('planned'), 'picture')} planned, ${dollars(money.priceMicros)} for what is missing`
      : '',
    of('planned') > 0 ? '' : `${of('engine')} upscaled`,
    of('cache') > 0 ? `${of('cache')} from the cache` : '',
    of('remote') > 0 ? `${of('remote')} from the remote cache` : '',
    of('fallback') > 0 ? `${of('fallback')} replaced by a stand-in` : '',
    of('unchanged') > 0 ? `${of('unchanged')} unchanged on disk` : '',
    of('skipped') > 0 ? `${of('skipped')} large enough already` : '',
    of('stopped') > 0 ? `${of('stopped')} not begun` : '',
    of('failed') > 0 ? paint.red(`${of('failed')} failed`) : '',
    of('planned') > 0 ? '' : `${dollars(money.spentMicros)} spent`,
  ]
  return parts.filter(part => part !== '').join(', ')
}
