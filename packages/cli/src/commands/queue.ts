import { setTimeout as sleep } from 'node:timers/promises'
import type { Job } from 'bullmq'
import type { Command } from 'commander'
import { onStopSignals } from 'upscale-toolkit/terminal'
import { loadConfig } from '../config.ts'
import { EXIT } from '../exit-codes.ts'
import { type CommonFlags, withCommonFlags, withExamples } from '../flags.ts'
import { createPrinter, type Printer } from '../print.ts'
import { openQueue, type QueueLink, queuePlace } from '../queue/connect.ts'
import { withQueueFlags } from '../queue/flags.ts'
import { readOrder } from '../queue/work-order.ts'
import { count, printTable } from '../table.ts'

interface LookFlags extends CommonFlags {
  readonly queue?: string
  readonly name?: string
  readonly watch?: boolean
}

/** `upscale queue`: how far a queue is. */
export function addQueue(program: Command): void {
  const command = program
    .command('queue')
    .description('Tell how far a queue is: waiting, under way, failed and why, and the workers.')
    .option('--watch', 'tell again every second until Ctrl-C')
  withQueueFlags(withCommonFlags(command))
  withExamples(command, [
    'upscale queue --queue redis://localhost:6379',
    'upscale queue --queue redis://localhost:6379 --watch',
    'UPSCALE_QUEUE=redis://localhost:6379 upscale queue --json',
  ])
  command.action(async (flags: LookFlags) => {
    process.exitCode = await lookAt(flags)
  })
}

/** More failures than this are counted, not named. */
const MAX_FAILURES = 100

const EVERY_MS = 1000

async function lookAt(flags: LookFlags): Promise<number> {
  const print = createPrinter(flags)
  const { env } = await loadConfig(flags.config)
  const link = await openQueue(queuePlace(flags, env), text => print.note(`notice: ${text}`))
  try {
    if (flags.watch === true) await watch(link, print)
    const state = await stateOf(link)
    const { failures, ...numbers } = state
    if (failures.length > 0)
      print.result(
        printTable(failures.map(({ name, code, problem }) => [print.paint.red(code), name, problem])),
      )
    print.result(lineOf(numbers))
    print.document(state)
    return state.failed > 0 ? EXIT.failed : EXIT.ok
  } finally {
    await link.close()
  }
}

/** Until Ctrl-C. */
async function watch(link: QueueLink, print: Printer): Promise<void> {
  const stop = new AbortController()
  const forget = onStopSignals(
    () => stop.abort(),
    () => process.exit(EXIT.interrupted),
  )
  let last = ''
  while (!stop.signal.aborted) {
    const line = lineOf(await stateOf(link))
    if (print.live) print.draw(columns => line.slice(0, columns))
    else if (line !== last) print.note(line)
    last = line
    // Only the signal ends the wait early.
    await sleep(EVERY_MS, undefined, { signal: stop.signal }).catch(() => undefined)
  }
  forget()
  print.clear()
}

interface Numbers {
  readonly waiting: number
  readonly active: number
  readonly delayed: number
  readonly failed: number
  readonly workers: number
}

interface QueueState extends Numbers {
  readonly failures: readonly { readonly name: string; readonly code: string; readonly problem: string }[]
}

async function stateOf({ queue }: QueueLink): Promise<QueueState> {
  const [counts, workers, failed] = await Promise.all([
    queue.getJobCounts('waiting', 'active', 'delayed', 'failed'),
    queue.getWorkersCount(),
    queue.getFailed(0, MAX_FAILURES - 1),
  ])
  const { waiting = 0, active = 0, delayed = 0, failed: failures = 0 } = counts
  return { waiting, active, delayed, failed: failures, workers, failures: failed.map(failureOf) }
}

function failureOf(job: Job): QueueState['failures'][number] {
  const order = readOrder(job)
  const { code = 'UNEXPECTED', problem = job.failedReason } = order?.failure ?? {}
  return { name: order?.name ?? job.id ?? '', code, problem }
}

function lineOf({ waiting, active, delayed, failed, workers }: Numbers): string {
  const parts = [
    `${waiting} waiting`,
    `${active} under way`,
    `${delayed} to be tried again`,
    `${failed} failed`,
  ]
  return `${parts.join(', ')}; ${count(workers, 'worker')}`
}
