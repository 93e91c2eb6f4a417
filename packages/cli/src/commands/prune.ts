import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { UpscaleError } from 'upscale-core'
import { discard, renamePatiently } from 'upscale-core/internal'
import { type ArchivedImage, type EntryFacts, openArchive, type RootName } from 'upscale-core/internal/upkeep'
import { EXIT } from '../exit-codes.ts'
import { type CommonFlags, withCommonFlags, withExamples } from '../flags.ts'
import { inSession, type Session } from '../session.ts'
import { count, printBytes } from '../table.ts'

export interface PruneFlags extends CommonFlags {
  readonly olderThan?: number
  readonly maxSize?: number
  readonly paid?: boolean
  readonly dryRun?: boolean
}

/** `upscale prune`: makes room. */
export function addPrune(program: Command): void {
  const command = program
    .command('prune')
    .description(
      'Remove pictures that can be made again without paying. Without --older-than or --max-size all of them.',
    )
    .option('--older-than <age>', 'only what was made longer ago: 30d, 12h', readAge)
    .option('--max-size <size>', 'only the oldest, until the rest is no larger: 500MB, 2GB', readSize)
    .option('--paid', 'prune what was paid for too; needs --older-than or --max-size')
    .option('--dry-run', 'tell what would be removed')
  withCommonFlags(command)
  withExamples(command, ['upscale prune --older-than 30d', 'upscale prune --max-size 500MB --dry-run'])
  command.action(async (flags: PruneFlags) => {
    process.exitCode = await inSession(flags, [], session => prune(flags, session))
  })
}

type Sound = ArchivedImage & { readonly facts: EntryFacts }

async function prune(flags: PruneFlags, { upscaler, print, stopping }: Session): Promise<number> {
  if (flags.paid === true && flags.olderThan === undefined && flags.maxSize === undefined) {
    throw new UpscaleError('BAD_OPTION', '--paid alone would remove everything that was ever paid for', {
      hint: 'say which with --older-than 365d or --max-size 1GB',
    })
  }
  const archive = openArchive(upscaler.options)
  const reach: readonly RootName[] = flags.paid === true ? ['scratch', 'durable'] : ['scratch']
  const entries: Sound[] = []
  // What arrived and was not looked at, or was refused though paid for, is never pruned.
  for await (const { facts, ...entry } of archive.images(['answers', 'outputs'])) {
    if (facts !== undefined && reach.includes(entry.root)) entries.push({ ...entry, facts })
  }
  const doomed = choose(entries, flags, Date.now())
  for (const { root, folder } of doomed) {
    if (stopping.aborted) break
    if (flags.dryRun !== true) await remove(folder, archive.roots[root])
  }
  const bytes = sizeOf(doomed)
  const verb = flags.dryRun === true ? 'would be removed' : 'removed'
  print.result(
    `${count(doomed.length, 'picture')} ${verb}, ${printBytes(bytes)}; ${printBytes(sizeOf(entries) - bytes)} stay`,
  )
  print.document({ removed: doomed.map(({ folder }) => folder), bytes, kept: entries.length - doomed.length })
  return EXIT.ok
}

function choose(entries: readonly Sound[], { olderThan, maxSize }: PruneFlags, now: number): Sound[] {
  const oldestFirst = [...entries].sort((a, b) => (a.facts.createdAt < b.facts.createdAt ? -1 : 1))
  let left = sizeOf(entries)
  return oldestFirst.filter(({ facts }) => {
    const isOld = olderThan !== undefined && now - Date.parse(facts.createdAt) > olderThan
    const isTooMuch = maxSize !== undefined && left > maxSize
    const goes = olderThan === undefined && maxSize === undefined ? true : isOld || isTooMuch
    if (goes) left -= facts.size
    return goes
  })
}

function sizeOf(entries: readonly Sound[]): number {
  return entries.reduce((sum, { facts }) => sum + facts.size, 0)
}

/** Gone in one step for whoever reads: the name first, then the files. */
async function remove(folder: string, root: string): Promise<void> {
  const temporary = join(root, 'tmp', randomUUID())
  await mkdir(join(root, 'tmp'), { recursive: true })
  await renamePatiently(folder, temporary)
  await discard(temporary)
}

const AGES: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000, w: 604_800_000 }
const SIZES: Readonly<Record<string, number>> = { b: 1, kb: 1e3, mb: 1e6, gb: 1e9 }

function readAge(text: string): number {
  return measure(text, AGES, 'Expected an age such as 12h, 30d or 8w.')
}

function readSize(text: string): number {
  return measure(text, SIZES, 'Expected a size such as 500MB or 2GB.')
}

function measure(text: string, units: Readonly<Record<string, number>>, expected: string): number {
  const [, number, unit = ''] = /^(\d{1,9})([a-z]+)$/i.exec(text) ?? []
  const factor = Object.hasOwn(units, unit.toLowerCase()) ? units[unit.toLowerCase()] : undefined
  if (number === undefined || factor === undefined) throw new InvalidArgumentError(expected)
  return Number(number) * factor
}
