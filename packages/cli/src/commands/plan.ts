import type { Command } from 'commander'
import { isUpscaleError, type PlannedImage } from 'upscale-core'
import { dollars } from 'upscale-core/internal'
import { EXIT, exitCodeOf } from '../exit-codes.ts'
import { eachOf, forEach } from '../files/each.ts'
import { type EngineFlags, withEngineFlags, withExamples } from '../flags.ts'
import { errorFacts } from '../print.ts'
import { inSession, type Session } from '../session.ts'
import { count, printTable } from '../table.ts'
import { gather, includeOf, type Wanted } from './gather.ts'

export interface PlanFlags extends EngineFlags {
  readonly all?: boolean
}

/** `upscale plan`: what a build would do and pay. */
export function addPlan(program: Command): void {
  const command = program
    .command('plan')
    .description(
      'Search sources for tagged references, and list what is not in the cache and what it would cost.',
    )
    .argument('[paths...]', 'folders, patterns or files (default: the working folder)')
    .option('--all', 'list pictures that are in the cache too')
  withEngineFlags(command)
  withExamples(command, [
    'upscale plan',
    'upscale plan src/ --engine lumenfall --json',
    'upscale plan --frozen    # ends with 3 when a paid picture is missing',
  ])
  command.action(async (paths: string[], flags: PlanFlags) => {
    const where = paths.length === 0 ? ['.'] : paths
    process.exitCode = await inSession(flags, includeOf(where), session => plan(where, flags, session))
  })
}

interface Planned extends PlannedImage {
  readonly place: Wanted['place']
}

async function plan(paths: readonly string[], flags: PlanFlags, session: Session): Promise<number> {
  const { upscaler, print, stopping } = session
  const { wanted, errors: found } = await gather(paths, session)
  const errors = [...found]
  const rows: Planned[] = []
  await forEach(eachOf(wanted), upscaler.options.concurrency, stopping, async ({ file, request, place }) => {
    try {
      rows.push({ ...(await upscaler.plan(file, request)), place })
    } catch (error) {
      if (!isUpscaleError(error)) throw error
      errors.push(error.at(place))
    }
  })
  for (const error of errors) print.error(error)
  const listed = rows.filter(({ state }) => flags.all === true || state !== 'finished')
  if (listed.length > 0) print.result(printTable(listed.map(cellsOf)))
  const missing = rows.filter(({ state }) => state === 'missing')
  const priceMicros = missing.reduce((sum, row) => sum + row.priceMicros, 0)
  print.result(
    `${count(rows.length, 'picture')}: ${missing.length} missing, ${dollars(priceMicros)} to pay` +
      (errors.length === 0 ? '' : `, ${count(errors.length, 'reference')} wrong`),
  )
  print.document({ images: rows, priceMicros, errors: errors.map(errorFacts) })
  const unpaid = upscaler.options.frozen && missing.some(row => row.priceMicros > 0)
  return unpaid ? EXIT.unpaid : exitCodeOf([...errors, ...rows.filter(isStuck)])
}

/** Neither in the cache nor to be had. */
function isStuck({ state }: PlannedImage): boolean {
  return state === 'refused' || state === 'uncertain'
}

function cellsOf({ state, source, factor, engine, priceMicros, place }: Planned): string[] {
  const { file, line } = place.importer
  return [state, source, `×${factor}`, engine, dollars(priceMicros), `${file}:${line}`]
}
