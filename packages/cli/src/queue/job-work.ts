import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Job } from 'bullmq'
import { isUpscaleError, type KeptAnswer, UpscaleError, type Upscaler } from 'upscale-core'
import {
  answerAddress,
  digestOf,
  discard,
  processFolder,
  type RemoteStore,
  type SharedIntent,
  sleep,
  sweepProcessFolders,
} from 'upscale-core/internal'
import { isFull } from 'upscale-core/internal/upkeep'
import type { WriteHeld } from './held-job.ts'
import { inputKey, MAX_INPUT_BYTES, readOrder, type WorkOrder } from './work-order.ts'

/** What a worker has to do its work with. */
export interface Workplace {
  readonly upscaler: Upscaler
  readonly store: RemoteStore
  readonly writeHeld: WriteHeld
  /** Its name, for people. */
  readonly name: string
  /** Where pictures lie while they are worked on. */
  readonly folder: string
  /** How long a worker may be silent, in milliseconds. */
  readonly lockMs: number
  /** Aborted when the worker is told to stop. */
  readonly stopping: AbortSignal
  /** Called when an answer is here and could not be stored. */
  onKept(name: string): void
  /** Called when the queue can't take a note, and so no call is made. */
  onFull(name: string): void
}

/** How a job ended. */
export interface JobResult {
  readonly origin: KeptAnswer['origin']
  readonly costMicros: number
  readonly digest?: string
}

/** A folder for the pictures of a worker; the upscaler must be allowed to read it. */
export async function makeWorkFolder(): Promise<string> {
  await sweepProcessFolders()
  const folder = processFolder('work')
  await mkdir(folder, { mode: 0o700 })
  return folder
}

/** Between two looks at a store that is away. */
const LOOK_EVERY_MS = 1000

/**
 * Does one job: fetches the picture, sees to its answer, and returns when that is in the store. While the store is away
 * no call is begun, and an answer that is here already is stored again and again: the job stays with this worker.
 *
 * @throws UpscaleError with any code of core's; SOURCE_NOT_FOUND for a picture that the store no longer has;
 *   BAD_OPTION where this worker's engine is another one than that of who asked; ABORTED once the worker is told to stop
 */
export async function doJob(job: Job, token: string, place: Workplace): Promise<JobResult> {
  const { upscaler, store, folder } = place
  const order = readOrder(job)
  const { id } = job
  if (order === undefined || id === undefined) throw unreadable()
  // Nothing is bought yet, so a store that is away is waited for.
  const picture = await patiently(() => fetchPicture(id, order, store), place)
  if (picture === undefined) return { origin: 'remote', costMicros: 0 }
  const own = await mkdtemp(join(folder, 'job-'))
  try {
    const file = join(own, safeName(order.name))
    await writeFile(file, picture)
    const { answerKey } = await upscaler.plan(file, order.request)
    if (answerKey !== undefined && answerKey !== id) throw otherEngine(order)
    let costMicros = 0
    for (;;) {
      const answer = await upscaler
        .answer(file, order.request, {
          sharedIntent: sharedIntentOf(job, token, order, place),
          ...(order.retry === undefined ? {} : { retry: order.retry }),
        })
        .catch(error => awaitKept(error, id, order, place))
      if (answer === undefined) return { origin: 'remote', costMicros }
      costMicros += answer.costMicros
      if (!answer.isShared) {
        place.onKept(order.name)
        await noteKept(job, token, place)
        await pauseOrStop(place, () => notShared(upscaler))
        continue
      }
      // It has served. One that stays behind is forgotten by the store in time.
      await store.remove(inputKey(id)).catch(() => undefined)
      return { origin: answer.origin, costMicros, digest: answer.digest }
    }
  } finally {
    await discard(own)
  }
}

/** Says in the job who has its answer. For people, and for a worker that is given the job: a queue that is away does without. */
async function noteKept(job: Job, token: string, { name, writeHeld }: Workplace): Promise<void> {
  if (readOrder(job)?.kept === name) return
  // While Redis is away this would wait with it, and the answer has to be stored meanwhile.
  await Promise.race([
    writeHeld(job, token, { ...Object(job.data), kept: name }).catch(() => undefined),
    sleep(LOOK_EVERY_MS, new AbortController().signal),
  ])
}

/**
 * What another worker bought, and keeps until the store takes it, is no doubt: it is waited for as long as a worker may
 * be silent. Returns undefined once it is there.
 * @throws UpscaleError the same, in the words of what is known
 */
async function awaitKept(
  error: unknown,
  id: string,
  { kept, caller, call = {} }: WorkOrder,
  place: Workplace,
): Promise<undefined> {
  if (!isUpscaleError(error) || error.code !== 'CALL_UNCERTAIN') throw error
  // One that lived to see its call fail has nothing more to tell.
  if (kept === undefined) throw caller === undefined || 'code' in call ? error : calledBy(caller, error)
  const end = performance.now() + place.lockMs
  do {
    if (await patiently(() => place.store.has(answerAddress(id)), place)) return undefined
    await pauseOrStop(place, () => error)
  } while (performance.now() < end)
  throw new UpscaleError('CALL_UNCERTAIN', `it was bought, and is kept on ${kept}, which has not stored it`, {
    hint: 'look at that worker: once it has stored the answer, the same command brings it',
  })
}

/** An answer that had come lies where its worker was, and only a worker there sees it. */
function calledBy(caller: string, { code, problem, details }: UpscaleError): UpscaleError {
  return new UpscaleError(code, `${problem}; the worker ${caller} made it`, {
    ...details,
    hint: `start upscale work there again, in the same folder: an answer that had come is then stored for all; if there was none, look at the request log of the service`,
  })
}

/** Asks the store until it answers. @throws UpscaleError what is not about the way to the store; ABORTED */
async function patiently<T>(ask: () => Promise<T>, place: Workplace): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!isUpscaleError(error) || !error.code.startsWith('API_')) throw error
      await pauseOrStop(place, () => error)
    }
  }
}

/** @throws UpscaleError ABORTED once the worker is told to stop */
async function pauseOrStop({ stopping }: Workplace, reason: () => UpscaleError): Promise<void> {
  if (!stopping.aborted) await sleep(LOOK_EVERY_MS, stopping)
  if (!stopping.aborted) return
  const { problem, details } = reason()
  throw new UpscaleError('ABORTED', problem, { hint: details.hint })
}

/** The picture; undefined where its answer is there already, since a worker died before it could say so. */
async function fetchPicture(
  id: string,
  { digest }: WorkOrder,
  store: RemoteStore,
): Promise<Uint8Array | undefined> {
  const bytes = await store.get(inputKey(id), MAX_INPUT_BYTES)
  if (bytes !== undefined && (await digestOf(bytes)) === digest) return bytes
  if (bytes === undefined && (await store.has(answerAddress(id)))) return undefined
  const what =
    bytes === undefined ? 'no longer has this picture' : 'has another picture in the place of this one'
  throw new UpscaleError('SOURCE_NOT_FOUND', `the shared store ${what}`, {
    hint: 'hand it over again with upscale enqueue',
  })
}

/**
 * The job is seen by every worker, so the note of a call is kept in it. A person's word is for one call: it goes with the
 * note of that, and is there again once the call was certainly not charged.
 */
function sharedIntentOf(job: Job, token: string, order: WorkOrder, place: Workplace): SharedIntent {
  const { call: earlier, caller, failure, kept, ...rest } = order
  const { retry: _used, ...wordless } = rest
  return {
    earlier,
    async note(call) {
      // What could not be handed on is not bought.
      await patiently(() => place.store.has(inputKey(job.id ?? '')), place)
      const data = isSameCall(call, earlier)
        ? { ...rest, call, ...(caller === undefined ? {} : { caller }) }
        : { ...wordless, call, caller: place.name }
      await untilRoom(job, place, async () => {
        // Somebody else has the job by now if this worker was silent for long, and may have made the call.
        if (!(await place.writeHeld(job, token, data))) throw takenOver()
      })
    },
    async strike() {
      // What stands there may be the note of whoever has the job now.
      await place.writeHeld(job, token, rest)
    },
  }
}

/** True for the note of an earlier call that stays as much in doubt as it was. */
function isSameCall(
  call: Readonly<{ at?: unknown }>,
  earlier: Readonly<{ at?: unknown }> | undefined,
): boolean {
  return call.at !== undefined && call.at === earlier?.at
}

/** Writes into the queue, again and again while that is full. @throws UpscaleError ABORTED once the worker is told to stop */
async function untilRoom(job: Job, place: Workplace, write: () => Promise<void>): Promise<void> {
  for (let isTold = false; ; isTold = true) {
    try {
      return await write()
    } catch (error) {
      if (!isFull(error)) throw error
      if (!isTold) place.onFull(readOrder(job)?.name ?? '')
      await pauseOrStop(place, () => queueFull(error))
    }
  }
}

function queueFull({ message }: Error): UpscaleError {
  return new UpscaleError('API_UNAVAILABLE', `the queue is full: ${message}`, {
    hint: 'give its Redis more memory (maxmemory)',
  })
}

/** True for an error after which the job is for somebody else, or for later. */
export function isOurs(error: unknown): boolean {
  return (
    isUpscaleError(error) && ['ABORTED', 'BUDGET_EXCEEDED', 'FROZEN_MISS', 'KEY_MISSING'].includes(error.code)
  )
}

/** True where the job alone is lost, while the worker was not told to stop: it may take the next one. */
export function isTakenOver(error: unknown): boolean {
  return isUpscaleError(error) && error.code === 'ABORTED'
}

/** The name keeps its extension, and nothing that could lead elsewhere. */
function safeName(name: string): string {
  return (
    basename(name)
      .replace(/[^\w.-]+/g, '-')
      .replace(/^[.-]+/, '') || 'picture'
  )
}

function otherEngine({ request }: WorkOrder): UpscaleError {
  return new UpscaleError(
    'BAD_OPTION',
    `the engine "${request.engine}" of this worker is not the one that was asked for, or its decoder sees other pixels`,
    {
      hint: 'give all machines the same config file and the same versions of upscale-cli and sharp',
      permanent: true,
    },
  )
}

function notShared({ options }: Upscaler): UpscaleError {
  return new UpscaleError(
    'API_UNAVAILABLE',
    `the answer could not be stored in the remote cache (${options.remoteCache?.name})`,
    { hint: "it is kept in this worker's cache; look at the store" },
  )
}

function takenOver(): UpscaleError {
  return new UpscaleError(
    'ABORTED',
    'this worker was silent for so long that its job was given to another one',
    {
      hint: 'raise --dead-after on all workers, or lower --jobs',
    },
  )
}

function unreadable(): UpscaleError {
  return new UpscaleError('BAD_OPTION', 'the job was not written by this version of upscale', {
    hint: 'use the same version on all machines',
    permanent: true,
  })
}
