import { resolve } from 'node:path'
import type { BuildOptions } from './options.ts'
import type { ProjectUpscaler } from './project-upscaler.ts'

/**
 * Writes what was asked for beside the bundle, at the end of a build. Loads nothing where nothing was asked for.
 * @throws UpscaleError BAD_OPTION when a file can't be written
 */
export async function writeBuildFiles(
  { report, dts, rules }: BuildOptions,
  projectUpscaler: ProjectUpscaler,
): Promise<void> {
  const { root } = projectUpscaler.options
  if (dts !== undefined) {
    const { createDeclarations, declarationFile } = await import('upscale-toolkit/declarations')
    const file = dts === true ? declarationFile(root) : resolve(root, dts)
    await createDeclarations(file, projectUpscaler.view).writeAll()
  }
  if (report !== undefined) {
    const { writeInspection } = await import('upscale-toolkit/inspector')
    const { projectPictures } = await import('./project-pictures.ts')
    await writeInspection(resolve(root, report), projectPictures(projectUpscaler, [], rules))
  }
}
