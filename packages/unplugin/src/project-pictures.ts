import type { InspectionOptions } from 'upscale-toolkit/inspector'
import { sourcesIn } from 'upscale-toolkit/references/sources'
import type { UpscaleRule } from 'upscale-toolkit/rules'
import type { ProjectUpscaler } from './project-upscaler.ts'

/**
 * What is looked at where a project's pictures are shown: those that its sources ask for, and those that the bundler
 * met.
 *
 * @param skip folders that hold no sources, absolute
 * @param rules for the images of pages
 */
export function projectPictures(
  { view, seenPictures }: Pick<ProjectUpscaler, 'view' | 'seenPictures'>,
  skip: readonly string[] = [],
  rules: readonly UpscaleRule[] = [],
): InspectionOptions {
  const { root, cacheDir, factor } = view.options
  const sources = (): AsyncGenerator<string> => sourcesIn(root, new Set([cacheDir, ...skip]))
  return { view, seenPictures, sources, ruled: { rules, factor } }
}
