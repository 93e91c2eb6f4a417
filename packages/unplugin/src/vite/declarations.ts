import { resolve } from 'node:path'
import { isUpscaleError } from 'upscale-core'
import { createDeclarations, declarationFile } from 'upscale-toolkit/declarations'
import type { ViteDevServer } from 'vite'
import type { ProjectUpscaler } from '../project-upscaler.ts'

/** Writes the declarations, and again whenever a source changes. Never stops the server. */
export async function keepDeclarations(
  path: string | true,
  projectUpscaler: ProjectUpscaler,
  { watcher, config }: ViteDevServer,
): Promise<void> {
  const { root } = projectUpscaler.options
  const file = path === true ? declarationFile(root) : resolve(root, path)
  const declarations = createDeclarations(file, projectUpscaler.view)
  // One after the other, so that an older state never replaces a newer one.
  let previous = Promise.resolve()
  const then = (work: () => Promise<void>): void => {
    previous = previous.then(work).catch(error => {
      if (!isUpscaleError(error)) throw error
      config.logger.warn(`[upscale] ${error.message}`)
    })
  }
  then(() => declarations.writeAll())
  watcher.on('all', (event, file) => {
    if (event === 'add' || event === 'change' || event === 'unlink') then(() => declarations.update(file))
  })
  await previous
}
