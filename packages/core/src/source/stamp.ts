import { type BigIntStats, statSync } from 'node:fs'

/** What a file system says of a file, which changes whenever the file is written to or another is put in its place. */
export interface Stamp {
  /** Device, inode, bytes, and the times of the last write and the last change, in nanoseconds. */
  readonly text: string
  /** When it was last changed, in milliseconds since the epoch, by the file system's clock. */
  readonly changedMs: number
  /** False where the file system numbers every file 0: another one in its place may then look the same. */
  readonly isNumbered: boolean
}

/** Of a regular file, whose folders and links may be anything; undefined where there is none. */
export function stampOf(file: string): Stamp | undefined {
  try {
    const stats = statSync(file, { bigint: true, throwIfNoEntry: false })
    return stats && stampFrom(stats)
  } catch (error) {
    // Whoever reads the file is told why it can't be read.
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}

/** The same, of a file that was asked about already. */
export function stampFrom(stats: BigIntStats): Stamp | undefined {
  if (!stats.isFile()) return undefined
  const { dev, ino, size, mtimeNs, ctimeNs } = stats
  const changedNs = mtimeNs > ctimeNs ? mtimeNs : ctimeNs
  return {
    text: `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`,
    changedMs: Number(changedNs / 1_000_000n),
    isNumbered: ino !== 0n,
  }
}
