import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { isUpscaleError, UpscaleError, type UpscaleRequest } from 'upscale-core'
import {
  type Archive,
  type ArchivedImage,
  dollars,
  openArchive,
  type Provenance,
} from 'upscale-core/internal'
import { EXIT } from '../exit-codes.ts'
import { digestOf } from '../files/place.ts'
import { isPicture, walk } from '../files/walk.ts'
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

/** What is known of a file. */
interface Origin extends Provenance {
  /** The picture of the project that gives this file today. */
  readonly source?: { readonly file: string; readonly digest: string }
}

async function why(file: string, session: Session): Promise<number> {
  const { upscaler, print } = session
  const path = resolve(file)
  const found = await stat(path).catch(() => undefined)
  if (!found?.isFile()) {
    throw new UpscaleError('SOURCE_NOT_FOUND', 'there is no such file', { hint: 'check the path', file })
  }
  const digest = await digestOf(path)
  const origin = await traceFirst(digest, openArchive(upscaler.options), session)
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
  print.document({ file, digest, known: true, output: image, answerKey: origin.answer?.key, ...rest })
  return EXIT.ok
}

/**
 * Files with the same content under different names are different entries: the one that leads back to a source, else
 * the first one.
 */
async function traceFirst(digest: string, archive: Archive, session: Session): Promise<Origin | undefined> {
  const found: ArchivedImage[] = []
  for await (const image of archive.images()) if (image.facts?.sha256 === digest) found.push(image)
  let first: Origin | undefined
  for (const entry of found) {
    const origin = await archive.provenanceOf(entry)
    const source = origin.answer === undefined ? undefined : await findSource(origin, session)
    if (source !== undefined) return { ...origin, source }
    first ??= origin
  }
  return first
}

/**
 * The picture of the project that gives this very file today. The cache keeps digests of sources only inside of keys,
 * so pictures of the same name are asked for, as long as that is a hit and costs nothing.
 */
async function findSource(
  { image: output, quality }: Provenance,
  { upscaler }: Session,
): Promise<Origin['source']> {
  const [, stem, factor] = /^(.*)-([\d.]+)x\.\w+$/.exec(output.fileName) ?? []
  const engines = [...upscaler.options.engines]
    .filter(([, { id }]) => id === output.engine)
    .map(([name]) => name)
  if (stem === undefined) return undefined
  const { root } = upscaler.options
  const rules = { skip: new Set<string>(), wants: isPicture }
  const isNear = looksLike(stem)
  for await (const { file, name } of walk([{ kind: 'folder', path: root }], rules)) {
    if (!isNear(name)) continue
    for (const engine of engines) {
      const request: Partial<UpscaleRequest> = {
        factor: Number(factor),
        engine,
        format: output.format,
        ...(quality === undefined ? {} : { quality }),
      }
      const digest = await tryHit(file, request, output.sha256, upscaler)
      if (digest !== undefined) return { file: name, digest }
    }
  }
  return undefined
}

async function tryHit(
  file: string,
  request: Partial<UpscaleRequest>,
  wanted: string,
  upscaler: Session['upscaler'],
): Promise<string | undefined> {
  try {
    if ((await upscaler.plan(file, request)).state !== 'finished') return undefined
    const { digest, source } = await upscaler.upscale(file, request)
    return digest === wanted ? source.digest : undefined
  } catch (error) {
    // Another picture of this name may be broken or too large; that is not what was asked.
    if (isUpscaleError(error)) return undefined
    throw error
  }
}

/** File names in the cache have letters, digits, dots and dashes only; anything else may have been there. */
function looksLike(stem: string): (name: string) => boolean {
  const reduce = (text: string): string =>
    text
      .normalize('NFKD')
      .replace(/[^A-Za-z0-9]+/g, '')
      .toLowerCase()
  return name => reduce(name.replace(/^.*\//, '').replace(/\.\w+$/, '')).startsWith(reduce(stem).slice(0, 60))
}

function linesOf(file: string, digest: string, origin: Origin): [string, string | undefined][] {
  const { image, answer, quality, costMicros, requestId, paidAt, boughtFor, source } = origin
  return [
    ['file', file],
    ['sha256', digest],
    ['picture', `${image.width} × ${image.height} ${image.format}`],
    ['engine', image.engine],
    ['model', image.model],
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
