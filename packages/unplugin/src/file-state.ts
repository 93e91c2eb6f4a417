import { stampOf } from 'upscale-core/internal'

/** Changes whenever the file was written; enough to know that a picture made in this process is still current. */
export function fileState(file: string): string {
  return stampOf(file)?.text ?? 'missing'
}
