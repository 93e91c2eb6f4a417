import { resolve } from 'node:path'
import type { BuildOptions } from './options.ts'
import type { ProjectUpscaler } from './project-upscaler.ts'

/**
 * Writes what was asked for beside the bundle, at the end of a build. Loads nothing where nothing was asked for.
 * @throws UpscaleError BAD_OPTION when a file can't be written
 */
export async function writeBuildFiles(
  { report, dts }: BuildOptions,
  projectUpscaler: ProjectUpscaler,
): Promise<void> {
  const { root } = projectUpscaler.options
  if (dts !== undefined) {
    const { createDeclarations } = await import('./declarations.ts')
    await createDeclarations(resolve(root, dts), projectUpscaler).writeAll()
  }
  if (report !== undefined) {
    const { writeInspection } = await import('upscale-toolkit/inspector')
    const { projectPictures } = await import('./project-pictures.ts')
    await writeInspection(resolve(root, report), projectPictures(projectUpscaler))
  }
}
