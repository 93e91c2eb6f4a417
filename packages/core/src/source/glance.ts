/** A file as it is now, beside what was found in it before. */
export interface Glance {
  /** What was found in it when it was read, if nobody has written to it since; undefined where that isn't certain. */
  readonly found: string | undefined
  /** Remembers what was found since this glance, unless the file changed meanwhile, or too short a time before. */
  keep(found: string): void
}

/** Asks the file system about a file, and remembers nothing: for whoever reads every time. */
export const noGlance: (file: string) => Glance = () => ({ found: undefined, keep: () => {} })
