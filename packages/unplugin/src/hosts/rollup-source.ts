import { dirname, resolve } from 'node:path'
import type { PluginContext } from 'rollup'
import { isFile } from '../is-file.ts'
import { pathOf } from '../reference.ts'

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
