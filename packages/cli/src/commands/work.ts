import { hostname } from 'node:os'
import type { Job, Queue } from 'bullmq'
import type { Command } from 'commander'
import { isUpscaleError } from 'upscale-core'
import { discard, dollars, sleep } from 'upscale-core/internal'
import { EXIT, exitCodeOf } from '../exit-codes.ts'
import { wholeNumber, withEngineFlags, withExamples } from '../flags.ts'
import { messageOf } from '../print.ts'
import { openQueue, type QueueLink, queuePlace } from '../queue/connect.ts'
import { type QueueFlags, withQueueFlags } from '../queue/flags.ts'
import { createWriteHeld } from '../queue/held-job.ts'
import { doJob, isOurs, isTakenOver, makeWorkFolder, type Workplace } from '../queue/job-work.ts'
import { openSharedStore } from '../queue/shared-store.ts'
import { failureOf, readOrder } from '../queue/work-order.ts'
import { inSession, type Session } from '../session.ts'
import { count } from '../table.ts'

interface WorkFlags extends QueueFlags {
  readonly drain?: boolean
  readonly deadAfter?: number
}

/** `upscale work`: does what others put into a queue. */
export function addWork(program: Command): void {
  const command = program
    .command('work')
    .description(
      'Do the work that "upscale enqueue" put into a queue on Redis, until Ctrl-C. Needs the packages bullmq, ioredis and unstorage.',
    )
    .option('--drain', 'end when the queue is empty')
    .option(
      '--dead-after <seconds>',
      'a worker that is silent for so long is taken for dead, and its work given to another (default: 30)',
      wholeNumber(2, 3600),
    )
  withQueueFlags(withEngineFlags(command))
  withExamples(command, [
    'upscale work --queue redis://localhost:6379',
    'UPSCALE_QUEUE=rediss://:$PASSWORD@redis.example:6379 upscale work --jobs 8 --drain',
    'upscale work --queue redis://localhost:6379 --budget 20 --no-frozen',
  ])
  command.action(async (flags: WorkFlags) => {
    const folder = await makeWorkFolder()
    try {
      process.exitCode = await inSession({ ...flags, isQueued: true }, [folder], session =>
        work(flags, folder, session),
      )
    } finally {
      await discard(folder)
    }
  })
}

/** How many crashes of workers a job survives. One that kills every worker must not do so for ever. */
const MAX_STALLED = 3

const LOOK_EVERY_MS = 500

/** Between two offers to a store that has not taken all. */
const OFFER_EVERY_MS = 10_000

async function work(flags: WorkFlags, folder: string, session: Session): Promise<number> {
  const { upscaler, print, stopping } = session
  const place = queuePlace(flags, session.config.env)
  const store = openSharedStore(upscaler.options)
  const link = await openQueue(place, text => print.note(`notice: ${text}`))
  const name = `${hostname()}-${process.pid}`
  const lockMs = (flags.deadAfter ?? 30) * 1000
  const handler = createJobHandler(link, session, {
    upscaler,
    store,
    writeHeld: createWriteHeld(link, lockMs),
    name,
    folder,
    lockMs,
    stopping,
    onKept: picture =>
      print.note(`${picture}: bought or made, and kept here until the shared store takes it`),
    onFull: picture =>
      print.note(
        `notice: ${picture}: the queue ${link.shown} is full and takes no note, so nothing is bought until it has room`,
      ),
  })
  // What a worker that died here has left, another one may be about to pay for again.
  let unshared = await upscaler.offerUnshared()
  let offeredAt = performance.now()
  const worker = new link.bullmq.Worker(place.name, (job, token = '') => handler.take(job, token), {
    connection: link.connect(),
    skipVersionCheck: link.isEvicting,
    concurrency: upscaler.options.concurrency,
    lockDuration: lockMs,
    stalledInterval: lockMs,
    maxStalledCount: MAX_STALLED,
    name,
  })
  worker.on('error', error => print.note(`notice: ${messageOf(error)}`))
  print.note(
    `working for the queue "${place.name}" at ${link.shown}, ${upscaler.options.concurrency} at a time`,
  )
  while (!stopping.aborted && handler.closed === undefined) {
    if (flags.drain === true && (await isEmpty(link.queue))) break
    await sleep(LOOK_EVERY_MS, stopping)
    if (unshared > 0 && performance.now() - offeredAt > OFFER_EVERY_MS) {
      unshared = await upscaler.offerUnshared()
      offeredAt = performance.now()
    }
  }
  // Takes no new job, and waits for those under way.
  await worker.close()
  await link.close()
  await store.close()
  const { done, failed, closed } = handler
  const { spentMicros, notices } = upscaler.report()
  print.result(
    `${count(done, 'picture')} done${failed === 0 ? '' : `, ${print.paint.red(`${failed} failed`)}`}, ${dollars(spentMicros)} spent`,
  )
  print.document({ done, failed, spentMicros, notices })
  return closed ?? EXIT.ok
}

interface JobHandler {
  /** Does a job, and says so. What it throws is for the queue. */
  take(job: Job, token: string): Promise<object>
  readonly done: number
  readonly failed: number
  /** An exit code, once this worker can do no more for a reason of its own. */
  readonly closed: number | undefined
}

function createJobHandler({ bullmq }: QueueLink, { print, stopping }: Session, place: Workplace): JobHandler {
  let done = 0
  let failed = 0
  let closed: number | undefined
  return {
    get done() {
      return done
    },
    get failed() {
      return failed
    },
    get closed() {
      return closed
    },
    async take(job, token) {
      const name = readOrder(job)?.name ?? job.id ?? ''
      try {
        const { origin, costMicros, digest } = await doJob(job, token, place)
        done++
        print.note(`[${done}] ${name}  ${origin}${costMicros === 0 ? '' : `  ${dollars(costMicros)}`}`)
        return { origin, costMicros, digest }
      } catch (error) {
        if (isOurs(error)) {
          // Another worker may be allowed to, or this one later.
          if (!stopping.aborted) {
            print.error(error)
            if (!isTakenOver(error)) closed = exitCodeOf([error])
          }
          // Fails where another worker has the job already, which is as well.
          await job.moveToWait(token).catch(() => undefined)
          throw new bullmq.WaitingError()
        }
        const failure = failureOf(error)
        // Of a queue that is full or away, too; what failed stays what it was, and the job fails with the words below.
        await place.writeHeld(job, token, { ...Object(job.data), failure }).catch(print.error)
        const isLast =
          failure.needsWord || !mayPass(error) || job.attemptsMade + 1 >= (job.opts.attempts ?? 1)
        if (!isLast) throw new Error(failure.problem)
        failed++
        print.error(isUpscaleError(error) ? error.at({ file: name }) : error)
        throw new bullmq.UnrecoverableError(`${failure.problem} [${failure.code}]`)
      }
    },
  }
}

/** True for a failure that says nothing about the picture. */
function mayPass(error: unknown): boolean {
  return (
    isUpscaleError(error) && ['API_UNAVAILABLE', 'API_UNREACHABLE', 'API_RATE_LIMITED'].includes(error.code)
  )
}

async function isEmpty(queue: Queue): Promise<boolean> {
  const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'prioritized')
  return Object.values(counts).every(number => number === 0)
}
