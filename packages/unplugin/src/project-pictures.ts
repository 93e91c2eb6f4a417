import type { InspectionOptions } from 'upscale-toolkit/inspector'
import { sourcesIn } from 'upscale-toolkit/references/sources'
import type { ProjectUpscaler } from './project-upscaler.ts'

/**
 * What is looked at where a project's pictures are shown: those that its sources ask for, and those that the bundler
 * met.
 *
 * @param skip folders that hold no sources, absolute
 */
export function projectPictures(
  { view, seenPictures }: Pick<ProjectUpscaler, 'view' | 'seenPictures'>,
  skip: readonly string[] = [],
): InspectionOptions {
  const { root, cacheDir } = view.options
  return { view, seenPictures, sources: () => sourcesIn(root, new Set([cacheDir, ...skip])) }
}
