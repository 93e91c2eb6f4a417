import { stampOf } from 'upscale-core/internal'

/** Changes whenever the file was written; enough to know that a picture made in this process is still current. */
export function fileState(file: string): string {
  return stampOf(file)?.text ?? 'missing'
}

/** Files that were written since they had a state, each with the one it has now. */
export function* editedSince(states: Iterable<readonly [file: string, state: string]>): Generator<string> {
  for (const [file, state] of states) {
    const now = fileState(file)
    if (now !== state) yield `${file} ${now}`
  }
}
