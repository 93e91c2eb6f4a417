import { createRequire } from 'node:module'
import { join } from 'node:path'

/** The Next.js that builds a project. */
export interface NextVersion {
  readonly major: number
  readonly minor: number
  /** As it is written: `15.5.2`. */
  readonly text: string
}

/**
 * The Next.js that reads a config: the one whose command runs, or that of the project.
 * @returns undefined where neither is found
 */
export function nextVersionOf(root: string): NextVersion | undefined {
  for (const from of [process.argv[1], join(root, 'package.json')]) {
    try {
      const { version } = createRequire(from ?? root)('next/package.json') as { version: string }
      const [major = 0, minor = 0] = version.split('.').map(Number.parseFloat)
      return { major, minor, text: version }
    } catch {
      // Started by something else: the project says which it is.
    }
  }
  return undefined
}

export function isFrom(version: NextVersion, major: number, minor: number): boolean {
  return version.major > major || (version.major === major && version.minor >= minor)
}
