import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { dollars, type LedgerEntry, readLedger } from 'upscale-core/internal'
import { ordersOf } from 'upscale-core/internal/upkeep'
import { EXIT } from '../exit-codes.ts'
import { type CommonFlags, withCommonFlags, withExamples } from '../flags.ts'
import { inSession, type Session } from '../session.ts'
import { count, printTable } from '../table.ts'

interface ReportFlags extends CommonFlags {
  readonly html?: string
}

/** `upscale report`: what was paid so far. */
export function addReport(program: Command): void {
  const command = program
    .command('report')
    .description(
      'Sum up what paid engines charged, by month and model, from the account in the cache folder.',
    )
  withCommonFlags(command).option(
    '--html <file>',
    "write the project's pictures before and after, with their cost, as one HTML file",
    readHtmlFile,
  )
  withExamples(command, ['upscale report', 'upscale report --json', 'upscale report --html report.html'])
  command.action(async (flags: ReportFlags) => {
    process.exitCode = await inSession(flags, [], session => report(flags, session))
  })
}

interface Sum {
  readonly month: string
  readonly engine: string
  readonly model: string
  calls: number
  /** Calls that ended in doubt; their cost counts as paid. */
  uncertain: number
  /** Answers that were paid for and refused by the checks. */
  rejected: number
  costMicros: number
}

async function report(flags: ReportFlags, { upscaler, config, print }: Session): Promise<number> {
  const sums = sumUp(await readLedger(upscaler.options.cacheDir))
  const header = ['month', 'engine', 'model', 'calls', 'in doubt', 'refused', 'cost'].map(text =>
    print.paint.bold(text),
  )
  const rows = sums.map(sum => [
    sum.month,
    sum.engine,
    sum.model,
    `${sum.calls}`,
    `${sum.uncertain}`,
    `${sum.rejected}`,
    dollars(sum.costMicros),
  ])
  if (rows.length > 0) print.result(printTable([header, ...rows]))
  const costMicros = sums.reduce((total, sum) => total + sum.costMicros, 0)
  const calls = sums.reduce((total, sum) => total + sum.calls, 0)
  print.result(`${count(calls, 'call')}, ${dollars(costMicros)} in all`)
  const html = flags.html === undefined ? undefined : resolve(flags.html)
  if (html !== undefined)
    print.result(`${count(await writeHtml(html, upscaler, config.rules), 'picture')} in ${flags.html}`)
  print.document({ months: sums, calls, costMicros, ...(html === undefined ? {} : { html }) })
  return EXIT.ok
}

/** @returns how many pictures the file shows */
async function writeHtml(
  file: string,
  upscaler: Session['upscaler'],
  rules: Session['config']['rules'],
): Promise<number> {
  // The parsers and the page are loaded only where they are asked for.
  const { writeInspection } = await import('upscale-toolkit/inspector')
  const { sourcesIn } = await import('upscale-toolkit/references/sources')
  const { root, cacheDir, factor } = upscaler.options
  return writeInspection(file, {
    view: upscaler,
    sources: () => sourcesIn(root, new Set([cacheDir])),
    seenPictures: () => [],
    ruled: { rules, factor },
  })
}

function readHtmlFile(value: string): string {
  if (/\.html?$/i.test(value)) return value
  throw new InvalidArgumentError('Expected a name that ends in .html.')
}

function sumUp(lines: readonly LedgerEntry[]): Sum[] {
  const sums = new Map<string, Sum>()
  for (const { event, rejected, at, engine, model, costMicros } of ordersOf(lines)) {
    const month = at.slice(0, 7)
    const key = JSON.stringify([month, engine, model])
    const sum = sums.get(key) ?? { month, engine, model, calls: 0, uncertain: 0, rejected: 0, costMicros: 0 }
    sums.set(key, sum)
    sum.calls++
    if (event === 'uncertain') sum.uncertain++
    if (rejected) sum.rejected++
    if (event !== 'free') sum.costMicros += costMicros
  }
  return [...sums.values()]
}
