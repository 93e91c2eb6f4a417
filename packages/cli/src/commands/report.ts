import type { Command } from 'commander'
import { type AccountLine, dollars, ordersOf, readAccount } from 'upscale-core'
import { EXIT } from '../exit-codes.ts'
import { type CommonFlags, withCommonFlags, withExamples } from '../flags.ts'
import { inSession, type Session } from '../session.ts'
import { count, printTable } from '../table.ts'

/** `upscale report`: what was paid so far. */
export function addReport(program: Command): void {
  const command = program
    .command('report')
    .description(
      'Sum up what paid engines charged, by month and model, from the account in the cache folder.',
    )
  withCommonFlags(command)
  withExamples(command, ['upscale report', 'upscale report --json'])
  command.action(async (flags: CommonFlags) => {
    process.exitCode = await inSession(flags, [], report)
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

async function report({ upscaler, print }: Session): Promise<number> {
  const sums = sumUp(await readAccount(upscaler.options.cacheDir))
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
  print.document({ months: sums, calls, costMicros })
  return EXIT.ok
}

function sumUp(lines: readonly AccountLine[]): Sum[] {
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
