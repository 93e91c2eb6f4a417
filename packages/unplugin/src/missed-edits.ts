import { existsSync } from 'node:fs'
import { createTriggerFile, type TriggerFile } from './trigger-file.ts'

// Rollup and Rolldown begin to watch a file only after the build that named it, and a picture may be bought for as long as a
// service works on it, or on others of the same build. What is edited meanwhile would be seen at the next save only. So a
// file of ours is watched as well, and written when a build is over whose pictures were edited since they were asked for.
// It is written again and again until a build begins, since nobody tells when the watch of a file has begun.

export interface MissedEdits {
  /** A build begins, which names the file that is watched. */
  begin(context: { addWatchFile(file: string): void }): void
  /** A build is over. */
  end(): void
  close(): Promise<void>
}

const RING_MS = 500

/** Longer than a watch takes to begin. */
const MAX_RINGS = 20

/** @param stale the pictures that were edited since they were asked for, each with the state it has now */
export function createMissedEdits(stale: () => Iterable<string>): MissedEdits {
  let trigger: TriggerFile | undefined
  let timer: NodeJS.Timeout | undefined
  let rung: readonly string[] = []
  // One that is no longer asked for stays what it is: it is no reason to build for ever.
  const heard = new Set<string>()

  function ring(rings: number): void {
    rung = [...stale()].filter(edit => !heard.has(edit))
    if (rung.length > 0) trigger?.write(String(rings))
    if (rings < MAX_RINGS) timer = setTimeout(() => ring(rings + 1), RING_MS).unref()
  }

  return {
    begin(context) {
      clearTimeout(timer)
      for (const edit of rung) heard.add(edit)
      trigger ??= createTriggerFile()
      // One that was removed meanwhile: what is not there may never be watched.
      if (!existsSync(trigger.file)) trigger.write('')
      context.addWatchFile(trigger.file)
    },
    end() {
      clearTimeout(timer)
      ring(0)
    },
    async close() {
      clearTimeout(timer)
      const closed = trigger
      trigger = undefined
      await closed?.close()
    },
  }
}
