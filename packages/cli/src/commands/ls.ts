import type { Command } from 'commander'
import { dollars } from 'upscale-core/internal'
import { type ArchivedImage, type EntryFacts, openArchive } from 'upscale-core/internal/upkeep'
import { EXIT } from '../exit-codes.ts'
import { type CommonFlags, withCommonFlags, withExamples } from '../flags.ts'
import { inSession, type Session } from '../session.ts'
import { count, printBytes, printTable } from '../table.ts'

export interface LsFlags extends CommonFlags {
  readonly outputs?: boolean
}

/** `upscale ls`: what is in the cache. */
export function addLs(program: Command): void {
  const command = program
    .command('ls')
    .description('List the answers of engines that are in the cache.')
    .option('--outputs', 'list finished files too')
  withCommonFlags(command)
  withExamples(command, ['upscale ls', 'upscale ls --outputs --json'])
  command.action(async (flags: LsFlags) => {
    process.exitCode = await inSession(flags, [], session => list(flags, session))
  })
}

type Sound = ArchivedImage & { readonly facts: EntryFacts }

async function list(flags: LsFlags, { upscaler, print }: Session): Promise<number> {
  const entries: Sound[] = []
  const archive = openArchive(upscaler.options)
  for await (const { facts, ...entry } of archive.images(['answers', 'outputs'])) {
    if (facts === undefined) continue
    // Quick engines keep no answers: their files stand for them.
    const standsAlone = facts.answer !== undefined && archive.answer(facts.answer) === undefined
    if (entry.shelf === 'answers' || flags.outputs === true || standsAlone) entries.push({ ...entry, facts })
  }
  entries.sort((a, b) => (a.facts.createdAt < b.facts.createdAt ? -1 : 1))
  if (entries.length > 0)
    print.result(printTable([HEADER.map(name => print.paint.bold(name)), ...entries.map(cellsOf)]))
  const bytes = entries.reduce((sum, { facts }) => sum + facts.size, 0)
  const paid = entries.reduce(
    (sum, { facts, shelf }) => sum + (shelf === 'answers' ? (facts.costMicros ?? 0) : 0),
    0,
  )
  print.result(`${count(entries.length, 'picture')}, ${printBytes(bytes)}, ${dollars(paid)} paid for them`)
  print.document({
    entries: entries.map(({ root, shelf, folder, facts }) => ({ root, shelf, folder, ...facts })),
    bytes,
  })
  return EXIT.ok
}

const HEADER = ['key', 'kept', 'what', 'engine', 'model', 'size', 'bytes', 'cost', 'made']

function cellsOf({ root, shelf, facts }: Sound): string[] {
  return [
    facts.key.slice(0, 12),
    'fetched' in facts ? `${root}, from remote` : root,
    shelf === 'outputs' ? facts.fileName : 'answer',
    facts.engine,
    facts.model,
    `${facts.width} × ${facts.height}`,
    printBytes(facts.size),
    dollars(facts.costMicros ?? 0),
    facts.createdAt.slice(0, 16).replace('T', ' '),
  ]
}
