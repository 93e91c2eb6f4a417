import { randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { discard } from './disk.ts'
import { isRunning } from './lock/lock-owner.ts'

/** Who has such a folder: `upscale serve`, `upscale work`, `upscale -`, a plugin while files are watched. */
export type ProcessFolderKind = 'server' | 'work' | 'stdin' | 'watch'

const NAME = /^upscale-(?:server|work|stdin|watch)-(\d+)-[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/

/** A path below the system's folder for temporary files, for what belongs into no project. Nobody can guess it, nor plant it. */
export function processFolder(kind: ProcessFolderKind): string {
  return join(tmpdir(), `upscale-${kind}-${process.pid}-${randomUUID()}`)
}

/** Removes such folders of processes of this machine that were killed. Never throws. */
export async function sweepProcessFolders(): Promise<void> {
  const parent = tmpdir()
  for (const name of await readdir(parent).catch(() => [])) {
    const [, pid] = NAME.exec(name) ?? []
    // What belongs to another user can't be removed, and need not be.
    if (pid !== undefined && !isRunning(Number(pid))) await discard(join(parent, name))
  }
}
