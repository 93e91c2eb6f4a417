import { UpscaleError } from 'upscale-core'
import { sliceTurn } from 'upscale-core/internal'
import { type CompiledKernel, compileKernel } from './kernel.ts'
import type { ResultOf, Task } from './tasks.ts'
import { type Job, SLOTS, startThread, type Thread } from './thread.ts'

/** Threads that do all work on pixels: started when there is work, first come, first served. */
export interface Pool {
  /** Rejects with the signal's reason as soon as it aborts; a thread at a tile then stops within a row. */
  run<T extends Task>(task: T, signal: AbortSignal): Promise<ResultOf<T>>
  /** Ends the threads and fails their work. The pool can be used again. */
  close(): Promise<void>
}

/**
 * @param threads at most this many at once
 * @param script what a thread runs
 */
export function createPool(threads: number, script: URL = new URL('./worker.mjs', import.meta.url)): Pool {
  const queue: Job[] = []
  const running = new Set<Thread>()
  let kernel: CompiledKernel | undefined
  let isStartAwaited = false

  function dispatch(module: CompiledKernel): void {
    while (queue.length > 0) {
      const thread = freeThread(module)
      if (thread === undefined) return
      const job = queue.shift()
      if (job !== undefined) thread.give(job)
    }
  }

  /** An idle thread, else a new one, else one with a free slot. */
  function freeThread(module: CompiledKernel): Thread | undefined {
    const [least] = [...running].sort((a, b) => a.jobs() - b.jobs())
    if (least?.jobs() === 0) return least
    if (running.size < threads) return mayStart(module) ? addThread(module) : undefined
    return least !== undefined && least.jobs() < SLOTS ? least : undefined
  }

  /** A start takes a millisecond or more, and there may be many: some wait for the next round of the event loop. */
  function mayStart(module: CompiledKernel): boolean {
    if (isStartAwaited) return false
    const turn = sliceTurn()
    if (turn === undefined) return true
    isStartAwaited = true
    void turn.then(() => {
      isStartAwaited = false
      dispatch(module)
    })
    return false
  }

  function addThread(module: CompiledKernel): Thread {
    const thread = startThread(module, script, {
      free: () => dispatch(module),
      gone(lost) {
        running.delete(lost)
        // After the failed jobs' owners had their say, those left get another thread.
        setImmediate(dispatch, module)
      },
    })
    running.add(thread)
    return thread
  }

  return {
    run<T extends Task>(task: T, signal: AbortSignal) {
      return new Promise<ResultOf<T>>((resolve, reject) => {
        signal.throwIfAborted()
        kernel ??= compileKernel()
        const abort = (): void => {
          const waiting = queue.indexOf(job)
          if (waiting >= 0) queue.splice(waiting, 1)
          else for (const thread of running) thread.stop(job)
          reject(signal.reason)
        }
        const job: Job = {
          task,
          done(error, result) {
            signal.removeEventListener('abort', abort)
            // A thread answers each kind of task with its kind of result.
            if (result !== undefined) resolve(result as ResultOf<T>)
            else reject(error)
          },
        }
        signal.addEventListener('abort', abort, { once: true })
        queue.push(job)
        dispatch(kernel)
      })
    },

    async close() {
      const closed = new UpscaleError('ABORTED', 'the local engine was closed while it was working', {
        hint: 'close the upscaler after its last image',
      })
      const threadsNow = [...running]
      running.clear()
      for (const job of queue.splice(0)) job.done(closed)
      await Promise.all(threadsNow.map(thread => thread.end(closed)))
    },
  }
}
