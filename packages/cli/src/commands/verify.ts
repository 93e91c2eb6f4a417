import type { Command } from 'commander'
import { openArchive } from 'upscale-core/internal/upkeep'
import { EXIT } from '../exit-codes.ts'
import { shownPath } from '../files/operands.ts'
import { type CommonFlags, withCommonFlags, withExamples } from '../flags.ts'
import { inSession, type Session } from '../session.ts'
import { count, printBytes } from '../table.ts'

/** `upscale verify`: is the cache what was stored? */
export function addVerify(program: Command): void {
  const command = program
    .command('verify')
    .description('Read every file of the cache and compare it with its digest. Nothing is changed.')
  withCommonFlags(command)
  withExamples(command, ['upscale verify', 'upscale verify --json'])
  command.action(async (flags: CommonFlags) => {
    process.exitCode = await inSession(flags, [], verify)
  })
}

interface Damage {
  readonly path: string
  readonly reason: string
}

async function verify({ upscaler, print, stopping }: Session): Promise<number> {
  const archive = openArchive(upscaler.options)
  const counts: Record<string, number> = {}
  const damaged: Damage[] = []
  let bytes = 0
  for await (const image of archive.images()) {
    if (stopping.aborted) break
    countIn(counts, `${image.root} ${image.shelf}`)
    bytes += image.facts?.size ?? 0
    const reason = await archive.damageOf(image)
    if (reason !== undefined) damaged.push({ path: image.folder, reason })
  }
  for await (const { root, shelf, file, record } of archive.records()) {
    if (stopping.aborted) break
    countIn(counts, `${root} ${shelf}`)
    if (record === undefined) damaged.push({ path: file, reason: 'the record is damaged' })
  }
  for (const { path, reason } of damaged)
    print.result(`${print.paint.red('damaged')} ${shownPath(path, process.cwd())}: ${reason}`)
  for (const [name, number] of Object.entries(counts)) print.result(`${name}: ${number}`)
  const seen = Object.values(counts).reduce((sum, number) => sum + number, 0)
  print.result(`${count(seen, 'file')} checked, ${printBytes(bytes)}, ${damaged.length} damaged`)
  if (damaged.length > 0)
    print.note('a build moves damaged files aside by itself, and makes or buys them again')
  print.document({ counts, bytes, damaged })
  return damaged.length === 0 ? EXIT.ok : EXIT.failed
}

function countIn(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1
}
