import { Worker } from 'node:worker_threads'
import { UpscaleError } from 'upscale-core'
import type { CompiledKernel } from './kernel.ts'
import type { Program } from './program.ts'
import type { ResultOf, Task } from './tasks.ts'

/** One tile in work and one waiting, so that the thread doesn't idle while the main thread is busy. */
export const SLOTS = 2

/** A task on its way to a thread. */
export interface Job {
  readonly task: Task
  /** Called once. The result is undefined when the job was stopped. */
  readonly done: (error: UpscaleError | undefined, result?: ResultOf<Task>) => void
}

/** A worker thread with {@link SLOTS} places for jobs. It keeps the process alive only while it has one. */
export interface Thread {
  jobs(): number
  give(job: Job): void
  /** Tells the thread to leave this job within a row of pixels, if it has it. */
  stop(job: Job): void
  /** Ends the thread at once; its jobs fail with `reason`. */
  end(reason: UpscaleError): Promise<void>
}

interface Events {
  /** A slot became free. */
  free(): void
  /** The thread is gone; its jobs have failed. */
  gone(thread: Thread): void
}

/** What worker.mjs answers with. */
interface Answer {
  readonly slot: number
  readonly result: ResultOf<Task> | undefined
}

export function startThread(module: CompiledKernel, script: URL, events: Events): Thread {
  const stop = new Int32Array(new SharedArrayBuffer(SLOTS * Int32Array.BYTES_PER_ELEMENT))
  const slots: (Job | undefined)[] = Array.from({ length: SLOTS }, () => undefined)
  /** Programs the worker has, by the number it knows them under. */
  const sent = new Map<Program, number>()
  // Flags and environment are the host's: under Yarn's Plug'n'Play the script can't be found without them.
  const worker = new Worker(script, { name: 'upscale-local', workerData: { module, stop } })
  worker.unref()
  let alive = true

  const thread: Thread = {
    jobs: () => slots.filter(job => job !== undefined).length,
    give(job) {
      const slot = slots.indexOf(undefined)
      slots[slot] = job
      worker.ref()
      Atomics.store(stop, slot, 0)
      worker.postMessage(...messageFor(job.task, slot))
    },
    stop(job) {
      const slot = slots.indexOf(job)
      if (slot >= 0) Atomics.store(stop, slot, 1)
    },
    async end(reason) {
      leave(reason)
      await worker.terminate()
    },
  }

  worker.on('message', ({ slot, result }: Answer) => {
    const job = slots[slot]
    slots[slot] = undefined
    if (thread.jobs() === 0) worker.unref()
    job?.done(undefined, result)
    events.free()
  })
  worker.on('messageerror', died)
  worker.on('error', died)
  worker.on('exit', code => died(new Error(`the thread exited with code ${code}`)))

  /** A program goes along the first time that this thread needs it. */
  function messageFor(task: Task, slot: number): [message: unknown, transfer: ArrayBuffer[]] {
    if (task.kind !== 'enlarge') {
      const { buffer } = task.kind === 'survey' ? task.data : task.patches
      return [{ slot, programs: [], task }, [buffer]]
    }
    const programs: { id: number; program: Program }[] = []
    const networks = task.networks.map(network =>
      network.map(program => {
        const known = sent.get(program)
        if (known !== undefined) return known
        const id = sent.size
        sent.set(program, id)
        programs.push({ id, program })
        return id
      }),
    )
    const { kind, tile, inputs, mix } = task
    return [
      { slot, programs, task: { kind, tile, networks, inputs, mix } },
      inputs.map(({ buffer }) => buffer),
    ]
  }

  function died(cause: unknown): void {
    leave(
      new UpscaleError('ENGINE_FAILED', 'a thread of the local engine ended before its work was done', {
        hint: 'run it again; where memory is short, use fewer threads: local({ threads: 1 })',
        cause,
      }),
    )
    void worker.terminate()
  }

  function leave(reason: UpscaleError): void {
    if (!alive) return
    alive = false
    const left = slots.splice(0)
    events.gone(thread)
    for (const job of left) job?.done(reason)
  }

  return thread
}
