import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { UpscaleError } from 'upscale-core'
import { dollars } from 'upscale-core/internal'
import { type Archive, openArchive, type Provenance, provenanceOf } from 'upscale-core/internal/upkeep'
import { EXIT } from '../exit-codes.ts'
import { digestOf } from '../files/place.ts'
import { type CommonFlags, withCommonFlags, withExamples } from '../flags.ts'
import { inSession, type Session } from '../session.ts'
import { printTable } from '../table.ts'

/** `upscale why <file>`: where a finished file comes from. */
export function addWhy(program: Command): void {
  const command = program
    .command('why')
    .description(
      'Tell how a finished file was made: engine, model, date, cost, source. It is found by its content.',
    )
    .argument('<file>', 'a file that the upscaler made, whatever it is called now')
  withCommonFlags(command)
  withExamples(command, ['upscale why dist/assets/hero-2x-3f2a9c1d04.png', 'upscale why large.png --json'])
  command.action(async (file: string, flags: CommonFlags) => {
    process.exitCode = await inSession(flags, [], session => why(file, session))
  })
}

async function why(file: string, session: Session): Promise<number> {
  const { upscaler, print } = session
  const path = resolve(file)
  const found = await stat(path).catch(() => undefined)
  if (!found?.isFile()) {
    throw new UpscaleError('SOURCE_NOT_FOUND', 'there is no such file', { hint: 'check the path', file })
  }
  const digest = await digestOf(path)
  const origin = await traceFirst(digest, openArchive(upscaler.options))
  if (origin === undefined) {
    print.result(`${file} was not made by the upscaler, or its cache was pruned since (SHA-256 ${digest})`)
    print.document({ file, digest, known: false })
    return EXIT.failed
  }
  print.result(
    printTable(
      linesOf(file, digest, origin)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => [name, `${value}`]),
    ),
  )
  const { image, ...rest } = origin
  const { quality, source } = image
  const known = { file, digest, known: true, output: image, answerKey: image.answer ?? image.key }
  print.document({ ...known, quality, source, ...rest })
  return EXIT.ok
}

/**
 * Files with the same content under different names are different entries: the one whose answer is still in the cache,
 * else the first one.
 */
async function traceFirst(digest: string, archive: Archive): Promise<Provenance | undefined> {
  let first: Provenance | undefined
  for await (const image of archive.images()) {
    if (image.facts?.sha256 !== digest) continue
    const origin = await provenanceOf(image, archive)
    if (origin.answer !== undefined) return origin
    first ??= origin
  }
  return first
}

function linesOf(file: string, digest: string, origin: Provenance): [string, string | undefined][] {
  const { image, answer, costMicros, requestId, paidAt, boughtFor } = origin
  const { quality, source } = image
  return [
    ['file', file],
    ['sha256', digest],
    ['picture', `${image.width} × ${image.height} ${image.format}`],
    ['engine', image.engine],
    ['model', image.model],
    ['chosen', image.chosen],
    ['made', answer?.createdAt ?? image.createdAt],
    ['fetched', answer?.fetched === true ? 'from the remote cache' : undefined],
    ['cost', costMicros === undefined ? undefined : dollars(costMicros)],
    ['paid', paidAt],
    ['bought for', boughtFor],
    ['request', requestId],
    ['quality', quality === undefined ? undefined : String(quality)],
    ['answer', answer?.key],
    ['source', source?.file],
    ['source sha256', source?.digest],
  ]
}
