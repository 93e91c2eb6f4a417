import { aliasKey, type FlightKey, outputKey } from '../cache/keys.ts'
import { finish } from '../image/codec.ts'
import type { ResolvedRequest } from '../request/request.ts'
import type { SourceImage } from '../source/source.ts'
import { describe } from './cache-hit.ts'
import type { Answer, FinishedFile, PipelineContext } from './context.ts'

/** Finishes an answer into a file, and makes it findable. @param flight from {@link flightOf} */
export async function makeFinished(
  source: SourceImage,
  request: ResolvedRequest,
  answer: Answer,
  flight: FlightKey,
  context: PipelineContext,
): Promise<FinishedFile> {
  const { stores, hits } = context
  const file = describe(source, request, answer.source)
  const { bytes, width, height, format } = answer.file ?? (await finish(answer.picture, file))
  const entry = await stores.keepOutput(
    {
      key: outputKey(answer.answerKey, answer.digest, file),
      fileName: file.fileName,
      width,
      height,
      format,
      engine: request.engine.id,
      model: request.engine.model,
      ...(answer.chosen === undefined ? {} : { chosen: answer.chosen }),
      answer: answer.answerKey,
      ...(file.quality === undefined ? {} : { quality: file.quality }),
      source: { file: source.name, digest: source.digest },
    },
    bytes,
    // Then it was kept as the answer.
    answer.file?.isExact ? answer.digest : undefined,
  )
  // Last, since it is what makes the rest findable.
  await stores.keepAlias(request.engine, aliasKey(source.digest, request), {
    pay: answer.answerKey,
    ...answer.source,
  })
  const { answerKey, digest } = answer
  hits.add(flight, {
    answerKey,
    answer: digest,
    output: entry.facts,
    source: answer.source,
  })
  return { entry, source: answer.source, origin: answer.origin, costMicros: answer.costMicros }
}
