import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { discard, processFolder, sweepProcessFolders, tryTo } from 'upscale-core/internal'

/**
 * A file that a host watches, and that is written to make it build. It lies in the system's folder for temporary files,
 * since webpack's family takes no notice of changes in `node_modules`.
 *
 * Whoever tidies that folder up may remove it under a watch that goes on for days, and its disk may be full: a build that
 * nobody begins waits for the next save, which is no reason to end the watch. So it is made again, or let go.
 */
export interface TriggerFile {
  readonly file: string
  write(text: string): void
  close(): Promise<void>
}

/** Makes the file, empty. */
export function createTriggerFile(): TriggerFile {
  const folder = processFolder('watch')
  const file = join(folder, 'trigger')
  const write = (text: string): void =>
    tryTo(() => {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      writeFileSync(file, text)
    })
  void sweepProcessFolders()
  write('')
  return { file, write, close: () => discard(folder) }
}
