import { basename, dirname, relative, resolve } from 'node:path'
import type { EmittedAsset, PluginContext } from 'rollup'
import type { UpscaledImage, UpscaleRequest } from 'upscale-core'
import { isFile } from '../is-file.ts'
import { pathBeside } from '../path-beside.ts'
import type { ProjectUpscaler } from '../project-upscaler.ts'
import { pathOf, queryOf } from '../reference.ts'

/** Where a path leads. One that leads nowhere is left to the upscaler, whose message names it. */
export async function sourceOf(
  path: string,
  importer: string | undefined,
  context: Pick<PluginContext, 'resolve'>,
): Promise<string> {
  const resolved = await context.resolve(path, importer, { skipSelf: true })
  if (resolved && isFile(pathOf(resolved.id))) return pathOf(resolved.id)
  return resolve(importer === undefined ? '.' : dirname(pathOf(importer)), path)
}

/** The path beside its source by which `assetFileNames` knows a picture. */
export function besideOf(
  source: string,
  image: UpscaledImage,
  request: UpscaleRequest,
  { options }: ProjectUpscaler,
): string {
  return pathBeside(source, basename(image.file), queryOf(request, options))
}

/**
 * A file of the output.
 * @param original absolute path that the name of the output may follow
 */
export function asset(original: string, name: string, source: Uint8Array): EmittedAsset {
  const originalFileName = relative('.', original).replaceAll('\\', '/')
  return { type: 'asset', name, originalFileName, source }
}
