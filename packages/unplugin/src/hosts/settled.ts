import { stat } from 'node:fs/promises'

/**
 * What is made of a file, while files are watched made again where somebody edited the file meanwhile: Rollup and
 * Rolldown begin to watch a file only after the build that named it, and a picture may take as long as a service works.
 */
export async function settled<T>(
  file: string,
  { watchMode }: { readonly watchMode: boolean },
  make: () => Promise<T>,
): Promise<T> {
  if (!watchMode) return make()
  for (let before = await stampOf(file); ; ) {
    const made = await make()
    const after = await stampOf(file)
    if (after === before) return made
    before = after
  }
}

/** Another one after every change. A file that isn't there is told by whoever needs it. */
async function stampOf(file: string): Promise<string> {
  const facts = await stat(file, { bigint: true }).catch(() => undefined)
  return `${facts?.ino} ${facts?.mtimeNs} ${facts?.size}`
}
