import { originalKey } from '../cache/keys.ts'
import { normalise } from '../image/codec.ts'
import { outputName, safeStem } from '../source/file-name.ts'
import type { SourceImage } from '../source/source.ts'
import type { FinishedFile, PipelineContext } from './context.ts'

/**
 * The source itself as a finished file: a copy in the cache, so that a host can treat it as any other.
 * @throws UpscaleError SOURCE_CORRUPT, SOURCE_UNSUPPORTED, SOURCE_TOO_LARGE
 */
export async function originalAsFinished(
  source: SourceImage,
  context: PipelineContext,
): Promise<FinishedFile> {
  const { options, pictures, stores } = context
  const limits = { maxPixels: options.maxPixels, factor: 1 }
  const { width, height, lossless } = await pictures(() => normalise(source, limits))
  const fileName = outputName(safeStem(source.stem), 1, source.format)
  const key = originalKey(source.digest, fileName)
  const facts = { key, fileName, width, height, format: source.format, engine: 'none', model: 'original' }
  const entry = await stores.keepOutput(facts, source.bytes)
  return { entry, source: { width, height, lossless }, origin: 'fallback', costMicros: 0 }
}
