import { basename } from 'node:path'
import type { PluginContext, TransformResult } from 'rollup'
import type { UpscaledImage } from 'upscale-core'
import type { TextEdit } from 'upscale-toolkit/references'
import { readChecked } from '../checked-bytes.ts'
import { editCode } from '../edited-code.ts'
import { findNewUrls } from '../new-urls.ts'
import type { ProjectUpscaler } from '../project-upscaler.ts'
import { pathOf } from '../reference.ts'
import { asset, besideOf, sourceOf } from './rollup-source.ts'

/**
 * Makes every `new URL('<tagged>', import.meta.url)` lead to the emitted picture. Its address is absolute at run time,
 * so it takes the place of the literal alone and the base beside it does no harm.
 */
export async function emitNewUrls(
  code: string,
  id: string,
  projectUpscaler: ProjectUpscaler,
  context: Pick<PluginContext, 'addWatchFile' | 'emitFile' | 'resolve'>,
): Promise<TransformResult> {
  const importer = pathOf(id)
  const edits: TextEdit[] = []
  for (const { text, start, end } of findNewUrls(code)) {
    const site = { reference: text, importer }
    const directive = projectUpscaler.parse(site)
    if (directive.as !== 'url') throw projectUpscaler.addressOnly(directive, site, 'new URL()')
    const source = await sourceOf(directive.path, id, context)
    context.addWatchFile(source)
    const [request] = directive.requests
    const ask = (): Promise<UpscaledImage> => projectUpscaler.finish(source, request, site)
    const image = await ask()
    const beside = besideOf(source, image, request, projectUpscaler)
    const file = context.emitFile(asset(beside, basename(image.file), await readChecked(image, ask)))
    edits.push({ start, end, text: `import.meta.ROLLUP_FILE_URL_${file}` })
  }
  return editCode(code, edits)
}
