import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { dollars, isUpscaleError, UpscaleError, type UpscaleRequest } from 'upscale-core'
import { readLedger } from '../cache/ledger.ts'
import { linkOf, qualityOf } from '../cache/output-key.ts'
import {
  type Entry,
  type EntryFacts,
  type Roots,
  readEntries,
  readRecords,
  rootsOf,
} from '../cache/reader.ts'
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

/** What is known of a file; fields that are not known are left out. */
interface Origin {
  readonly output: EntryFacts
  readonly answer?: EntryFacts
  /** The key of the answer. */
  readonly pay?: string
  readonly quality?: number | null
  readonly costMicros?: number
  readonly requestId?: string
  readonly paidAt?: string
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
  const roots = rootsOf(upscaler.options)
  const entries = await findByDigest(roots, digest)
  const origin = await traceFirst(entries, roots, session)
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
  print.document({ file, digest, known: true, ...origin })
  return EXIT.ok
}

/** Files with the same content under different names are different entries. */
async function findByDigest(roots: Roots, digest: string): Promise<Entry[]> {
  const found: Entry[] = []
  for await (const entry of readEntries(roots, ['outputs', 'answers', 'received', 'rejected'])) {
    if (entry.facts?.sha256 === digest) found.push(entry)
  }
  return found
}

/** The entry that leads back to a source, else the first one. */
async function traceFirst(
  entries: readonly Entry[],
  roots: Roots,
  session: Session,
): Promise<Origin | undefined> {
  let first: Origin | undefined
  for (const entry of entries) {
    const origin = await trace(entry, roots, session)
    if (origin.source !== undefined) return origin
    first ??= origin
  }
  return first
}

async function trace(entry: Entry, roots: Roots, session: Session): Promise<Origin> {
  const { facts: output } = entry
  if (output === undefined) throw new TypeError('an entry without facts')
  const answer =
    entry.shelf === 'outputs' ? await findAnswer(output, roots) : { facts: output, quality: null }
  if (answer === undefined) return { output }
  const pay = answer.facts.key
  const lines = (await readLedger(roots.durable)).filter(line => line.key === pay)
  const charge = lines.findLast(line => line.event === 'charged')
  const costMicros = answer.facts.costMicros ?? charge?.costMicros
  const requestId = answer.facts.requestId ?? charge?.requestId
  const source = await findSource(output, answer.quality, session)
  return {
    output,
    answer: answer.facts,
    pay,
    quality: answer.quality,
    ...(costMicros === undefined ? {} : { costMicros }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(charge === undefined ? {} : { paidAt: charge.at }),
    ...(source === undefined ? {} : { source }),
  }
}

async function findAnswer(
  output: EntryFacts,
  roots: Roots,
): Promise<{ readonly facts: EntryFacts; readonly quality: number | null } | undefined> {
  const answers = new Map<string, EntryFacts>()
  for await (const { facts } of readEntries(roots, ['answers'])) {
    if (facts?.engine === output.engine && facts.model === output.model) answers.set(facts.key, facts)
  }
  for (const root of Object.values(roots)) {
    for await (const { record } of readRecords(root, 'sources')) {
      const link = linkOf(record)
      const facts = link === undefined ? undefined : answers.get(link.pay)
      if (link === undefined || facts === undefined) continue
      const quality = qualityOf(output, { ...link, digest: facts.sha256 })
      if (quality !== undefined) return { facts, quality }
    }
  }
  return undefined
}

/**
 * The picture of the project that gives this very file today. The cache keeps digests of sources only inside of keys,
 * so pictures of the same name are asked for, as long as that is a hit and costs nothing.
 */
async function findSource(
  output: EntryFacts,
  quality: number | null,
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
        ...formatOf(output.format),
        ...(quality === null ? {} : { quality }),
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

function formatOf(format: string): Pick<UpscaleRequest, 'format'> {
  return format === 'png' || format === 'jpeg' || format === 'webp' || format === 'avif' || format === 'gif'
    ? { format }
    : {}
}

function linesOf(file: string, digest: string, origin: Origin): [string, string | undefined][] {
  const { output, answer, quality, costMicros, requestId, paidAt, source, pay } = origin
  return [
    ['file', file],
    ['sha256', digest],
    ['picture', `${output.width} × ${output.height} ${output.format}`],
    ['engine', output.engine],
    ['model', output.model],
    ['made', answer?.createdAt ?? output.createdAt],
    ['fetched', answer !== undefined && 'fetched' in answer ? 'from the remote cache' : undefined],
    ['cost', costMicros === undefined ? undefined : dollars(costMicros)],
    ['paid', paidAt],
    ['request', requestId],
    ['quality', quality === null || quality === undefined ? undefined : String(quality)],
    ['answer', pay],
    ['source', source?.file],
    ['source sha256', source?.digest],
  ]
}
