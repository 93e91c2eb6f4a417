import { fileState } from '../file-state.ts'

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
  for (let before = fileState(file); ; ) {
    const made = await make()
    const after = fileState(file)
    if (after === before) return made
    before = after
  }
}
