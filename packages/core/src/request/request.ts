import type { EngineCall } from '../cache/keys.ts'
import type { Engine } from '../engines/engine.ts'
import { UpscaleError } from '../errors.ts'
import { show, unknownName } from '../validate.ts'
import type { UpscaleRequest } from './directive.ts'
import type { ResolvedOptions } from './options.ts'
import { FACTOR } from './options.ts'

/** A request with every default filled in and every value checked; it does not depend on the source yet. */
export interface ResolvedRequest extends EngineCall {
  readonly engineName: string
  readonly engine: Engine
  readonly factor: number
  readonly format: UpscaleRequest['format']
  readonly quality: UpscaleRequest['quality']
}

/** A request whose engine is of one kind. */
export type RequestOf<Kind extends Engine> = ResolvedRequest & { readonly engine: Kind }

/**
 * @throws UpscaleError UNKNOWN_ENGINE, BAD_DIRECTIVE for a factor or engine key out of range, FACTOR_UNSUPPORTED when
 *   the engine can't reach the factor
 */
export function resolveRequest(request: Partial<UpscaleRequest>, options: ResolvedOptions): ResolvedRequest {
  const engineName = request.engine ?? options.engine
  const engine = options.engines.get(engineName)
  if (engine === undefined) {
    const known = [...options.engines.keys()]
    throw new UpscaleError('UNKNOWN_ENGINE', unknownName('engine', engineName, known), {
      hint: `use one of ${known.join(', ')}, or add it to the option "engines"`,
    })
  }
  const factor = request.factor ?? options.factor
  if (!FACTOR.accepts(factor)) {
    throw new UpscaleError('BAD_DIRECTIVE', `the factor is ${show(factor)}, expected ${FACTOR.expected}`, {
      hint: 'ask for example for factor 2',
    })
  }
  const scale = engine.scaleFor(factor)
  if (scale === undefined) {
    throw new UpscaleError(
      'FACTOR_UNSUPPORTED',
      `engine "${engineName}" (${engine.model}) can't reach factor ${factor}`,
      {
        hint: 'ask for a smaller factor, or name another engine with engine=local or engine=resize',
      },
    )
  }
  const params = engine.checkParams(request.params ?? {})
  const format = request.format ?? options.format
  return { engineName, engine, factor, scale, params, format, quality: request.quality }
}
