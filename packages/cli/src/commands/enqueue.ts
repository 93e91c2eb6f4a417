import type { Command } from 'commander'
import {
  createUpscaler,
  ERROR_CODES,
  type ResolvedOptions,
  UpscaleError,
  type UpscaleRequest,
} from 'upscale-core'
import { dollars, isRasterName, type RemoteStore } from 'upscale-core/internal'
import { EXIT } from '../exit-codes.ts'
import { eachOf, forEach } from '../files/each.ts'
import { folderOf, type Operand, readOperands, shownPath } from '../files/operands.ts'
import { sweepLeftovers } from '../files/place.ts'
import { createTargets } from '../files/target.ts'
import { type Found, isResultBeside, type WalkRules, walk } from '../files/walk.ts'
import { requestOf, withEncodingFlags, withEngineFlags, withExamples } from '../flags.ts'
import { createProgress } from '../progress.ts'
import { watchJobs } from '../queue/await-jobs.ts'
import { collectAnswer } from '../queue/collect.ts'
import { openQueue, type QueueLink, type QueuePlace, queuePlace } from '../queue/connect.ts'
import { type QueueFlags, withQueueFlags } from '../queue/flags.ts'
import { createHandOver } from '../queue/hand-over.ts'
import { findMissing, type Missing } from '../queue/missing.ts'
import { openSharedStore } from '../queue/shared-store.ts'
import type { Failure } from '../queue/work-order.ts'
import { hostEngines, inSession, mergeOptions, type Session } from '../session.ts'
import { count } from '../table.ts'
import type { RunFlags } from './run-flags.ts'
import { createPictureWork, type Row } from './run-picture.ts'
import { createTally } from './run-tally.ts'

interface EnqueueFlags extends RunFlags, QueueFlags {
  readonly wait?: boolean
}

/** `upscale enqueue <paths…>`: hands pictures over to workers. */
export function addEnqueue(program: Command): void {
  const command = program
    .command('enqueue')
    .description(
      'Put pictures into a queue on Redis, for "upscale work" on any number of machines. Needs the packages bullmq, ioredis and unstorage.',
    )
    .argument('<paths...>', 'folders, patterns or files')
    .option('--wait', 'wait for the answers and write the files, as "upscale run" does')
    .option('-o, --out <path>', 'with --wait: folder for the results, mirrored; for one picture also a file')
    .option('--suffix <text>', 'with --wait: added to the name; without --out beside the source')
  withQueueFlags(withEncodingFlags(withEngineFlags(command)))
  withExamples(command, [
    'upscale enqueue photos/ --queue redis://localhost:6379',
    'upscale enqueue photos/ --queue redis://localhost:6379 --wait --out dist/photos',
    'upscale enqueue photos/ --engine lumenfall --budget 40 --queue redis://localhost:6379 --wait --out dist/photos',
  ])
  command.action(async (paths: string[], flags: EnqueueFlags) => {
    checkTogether(flags)
    const operands = readOperands(paths, process.cwd())
    const include = operands.map(operand => (operand.kind === 'file' ? operand.path : folderOf(operand)))
    // Files are made of answers here, and nothing is bought: that is for the workers.
    const own = { ...flags, isQueued: true, budget: 0, frozen: false }
    process.exitCode = await inSession(own, include, session => enqueue(operands, include, flags, session))
  })
}

/** What became of the pictures that were named. */
interface Counts {
  queued: number
  waiting: number
  here: number
  failed: number
}

async function enqueue(
  operands: readonly Operand[],
  include: readonly string[],
  flags: EnqueueFlags,
  session: Session,
): Promise<number> {
  const { config, print, stopping, upscaler } = session
  const place = queuePlace(flags, config.env)
  const { engine, engines, concurrency, factor } = upscaler.options
  refuseQuick(engine, engines.get(engine)?.quick)
  const { options } = createUpscaler(mergeOptions(config, flags, include), {
    root: config.root,
    env: config.env,
    engines: hostEngines(config.options),
  })
  const request = { ...requestOf(flags), engine, factor }
  const store = openSharedStore(upscaler.options)
  const link = await openQueue(place, text => print.note(`notice: ${text}`))
  try {
    const finish =
      flags.wait === true
        ? await createFinish(operands, flags, session, link, place, request, store)
        : undefined
    try {
      const rules = finish?.rules ?? plainRules(upscaler.options.cacheDir)
      const { missing, here, stuck } = await findMissing(walk(operands, rules), request, session)
      if (missing.length + here.length + stuck.length === 0 && !stopping.aborted) throw nothingFound()
      allow(missing, options)
      finish?.expect(missing.length + here.length)
      const counts: Counts = { queued: 0, waiting: 0, here: here.length, failed: 0 }
      const fail = (found: Found, error: UpscaleError): void => {
        counts.failed++
        if (finish === undefined) print.error(error.at({ file: found.file }))
        else finish.fail(found, error)
      }
      for (const { found, error } of stuck) fail(found, error)
      const handOver = createHandOver(link.queue, store, flags.retry === true)
      await forEach(eachOf(missing), concurrency, stopping, async ({ found, key }) => {
        const name = shownPath(found.file, process.cwd())
        const state = await handOver({ ...found, name, request, key }).catch(error => {
          throw link.explain(error)
        })
        if (typeof state !== 'string') return fail(found, errorOf(state))
        counts[state]++
        finish?.follow(found, key)
      })
      if (finish === undefined) return tell(counts, missing, session)
      print.note(
        `${counts.queued} queued, ${counts.waiting} queued before, ${counts.here} here; waiting for the workers`,
      )
      await forEach(eachOf(here), concurrency, stopping, ({ found, key }) => finish.make(found, key))
      return await finish.end()
    } finally {
      await finish?.close()
    }
  } finally {
    await link.close()
    await store.close()
  }
}

/** Makes the files of `--wait`. */
interface Finish {
  readonly rules: WalkRules
  expect(total: number): void
  /** @param key - of the answer that it is made of */
  make(found: Found, key: string | undefined): Promise<void>
  fail(found: Found, error: UpscaleError): void
  /** Makes the file once the job has ended. */
  follow(found: Found, key: string): void
  /** Waits for all, tells the end, and returns the exit code. */
  end(): Promise<number>
  close(): Promise<void>
}

async function createFinish(
  operands: readonly Operand[],
  flags: EnqueueFlags,
  { print, stopping, upscaler }: Session,
  link: QueueLink,
  place: QueuePlace,
  request: Partial<UpscaleRequest>,
  store: RemoteStore,
): Promise<Finish> {
  const cwd = process.cwd()
  const targets = createTargets(operands, flags, cwd)
  const { folder } = targets
  const isInPlace = folder === undefined || operands.some(operand => folderOf(operand) === folder)
  const suffix = isInPlace ? (flags.suffix ?? '') : ''
  if (folder !== undefined) await sweepLeftovers(folder)
  const watch = await watchJobs(link, place)
  const progress = createProgress(print, upscaler)
  const tally = createTally(print, cwd)
  const work = createPictureWork({ request: requestOf(flags), flags, targets, upscaler })
  const following: Promise<void>[] = []

  async function make(found: Found, key: string | undefined): Promise<void> {
    const name = shownPath(found.file, cwd)
    const end = progress.begin(name)
    const row = await finishedRow(found, key)
    tally.add(row)
    end(row.origin === 'cache' ? 'cached' : 'worked', tally.lineOf(row))
  }

  /** Nothing may be bought here, so that a picture over the budget is one whose answer did not come out of the store. */
  async function finishedRow(found: Found, key: string | undefined): Promise<Row> {
    const row = await work(found)
    if (row.error?.code !== 'BUDGET_EXCEEDED' || key === undefined) return row
    const error = await collectAnswer(found.file, { ...request, key }, { upscaler, store, stopping })
    if (error === undefined) {
      const made = await work(found)
      return made.origin === 'cache' ? { ...made, origin: 'remote' } : made
    }
    return { source: found.file, state: stopping.aborted ? 'stopped' : 'failed', error: error.at(found) }
  }

  function fail({ file }: Found, error: UpscaleError): void {
    const end = progress.begin(shownPath(file, cwd))
    tally.add({ source: file, state: 'failed', error: error.at({ file }) })
    end('worked', undefined)
  }

  async function follow(found: Found, key: string): Promise<void> {
    const failure = await untilAborted(watch.end(key), stopping)
    if (stopping.aborted) tally.add({ source: found.file, state: 'stopped' })
    else if (failure === undefined) await make(found, key)
    else fail(found, errorOf(failure))
  }

  return {
    rules: {
      skip: new Set([folder, upscaler.options.cacheDir].filter(one => one !== undefined)),
      wants: name => isRasterName(name) && !isResultBeside(name, suffix),
    },
    expect(total) {
      progress.total = total
    },
    make,
    fail,
    follow: (found, key) => void following.push(follow(found, key)),
    async end() {
      await Promise.all(following)
      return tally.finish(upscaler.report(), stopping.aborted)
    },
    close: () => watch.close(),
  }
}

function plainRules(cacheDir: string): WalkRules {
  return { skip: new Set([cacheDir]), wants: isRasterName }
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return Promise.race([
    work,
    new Promise<undefined>(resolve => {
      if (signal.aborted) resolve(undefined)
      signal.addEventListener('abort', () => resolve(undefined), { once: true })
    }),
  ])
}

/** What goes into the queue may cost no more than the run may spend: each is bought once, by whichever worker. */
function allow(missing: readonly Missing[], { budgetMicros, frozen }: ResolvedOptions): void {
  const total = missing.reduce((sum, { priceMicros }) => sum + priceMicros, 0)
  if (total === 0) return
  const what = `${count(missing.length, 'picture')} would cost ${dollars(total)}`
  if (frozen) {
    throw new UpscaleError('FROZEN_MISS', `${what}, and paid engines are frozen here`, {
      hint: 'add --no-frozen where money may be spent',
    })
  }
  if (total <= budgetMicros) return
  throw new UpscaleError(
    'BUDGET_EXCEEDED',
    `${what}, and the budget is ${dollars(budgetMicros)}; nothing was queued`,
    {
      hint: 'raise --budget, or name fewer pictures',
    },
  )
}

function tell(counts: Counts, missing: readonly Missing[], { print, stopping }: Session): number {
  const priceMicros = missing.reduce((sum, one) => sum + one.priceMicros, 0)
  const { queued, waiting, here, failed } = counts
  const parts = [
    `${queued} queued`,
    waiting > 0 ? `${waiting} queued before` : '',
    here > 0 ? `${here} in a cache already` : '',
    failed > 0 ? print.paint.red(`${failed} failed`) : '',
    priceMicros > 0 ? `${dollars(priceMicros)} at most` : '',
  ]
  print.result(parts.filter(part => part !== '').join(', '))
  print.document({ ...counts, priceMicros, interrupted: stopping.aborted })
  if (stopping.aborted) return EXIT.interrupted
  return failed > 0 ? EXIT.failed : EXIT.ok
}

/** A worker's failure, as the error that it was there. */
function errorOf({ code, problem, hint, needsWord }: Failure): UpscaleError {
  const known = ERROR_CODES.find(one => one === code) ?? 'ENGINE_FAILED'
  const remedy = needsWord
    ? `${hint}; to have it made again, add --retry, which may cost a second time`
    : hint
  return new UpscaleError(known, `a worker reported: ${problem}`, { hint: remedy })
}

function checkTogether({ wait, out, suffix }: EnqueueFlags): void {
  if (wait === true || (out === undefined && suffix === undefined)) return
  throw new UpscaleError('BAD_OPTION', '--out and --suffix without --wait: nobody is there to write files', {
    hint: 'add --wait, or collect the files later with the same command and --wait',
  })
}

function refuseQuick(engine: string, isQuick = false): void {
  if (!isQuick) return
  throw new UpscaleError('BAD_OPTION', `the engine "${engine}" is done before a job is handed over`, {
    hint: 'use upscale run for it',
  })
}

function nothingFound(): UpscaleError {
  return new UpscaleError('SOURCE_NOT_FOUND', 'there are no pictures there', {
    hint: 'name a folder with .png, .jpg, .webp, .avif or .gif files',
  })
}
