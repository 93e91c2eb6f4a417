import { type Engine, isUpscaleError, UpscaleError } from 'upscale-core'
import { unknownName } from 'upscale-core/internal'
import { ApiError } from './api-error.ts'
import type { Meter } from './metering.ts'
import { ENGINE_PARAMETERS, type EngineParameter } from './parameters.ts'

/** A model as clients see it, and the engine that stands behind it. */
export interface Model {
  /** As clients write it: `ideogram-upscale`. */
  readonly id: string
  /** The engine's name in the upscaler. */
  readonly engineName: string
  readonly engine: Engine
  /** Parameters of the model page that the engine has. */
  readonly takes: ReadonlySet<EngineParameter>
}

export interface Catalogue {
  readonly models: readonly Model[]
  /** @throws ApiError MODEL_NOT_FOUND, INVALID_REQUEST where no name was given */
  find(id: string | undefined): Model
}

/** Models as configured: the name of an engine the upscaler knows, or an engine of their own. */
export type ModelOptions = Readonly<Record<string, string | Engine>>

/** A value for each parameter that every engine which has the parameter accepts. */
const SAMPLES: Readonly<Record<EngineParameter, string>> = {
  prompt: 'a',
  detail: '50',
  resemblance: '1',
  expand_prompt: 'false',
  seed: '1',
}

/** The engines that models brought along, under the models' names, and metered. */
export function enginesOf(models: ModelOptions, meter: Meter): Record<string, Engine> {
  const own = Object.entries(models).flatMap(([id, engine]) =>
    typeof engine === 'string' ? [] : [[id, meter.wrap(engine)] as const],
  )
  return Object.fromEntries(own)
}

/**
 * The models that are offered.
 * @param engines - the upscaler's, including those of {@link enginesOf}
 * @throws UpscaleError UNKNOWN_ENGINE for a model whose engine isn't there
 */
export function createCatalogue(models: ModelOptions, engines: ReadonlyMap<string, Engine>): Catalogue {
  const rows = Object.entries(models).map(([id, named]): Model => {
    const engineName = typeof named === 'string' ? named : id
    const engine = engines.get(engineName)
    if (engine === undefined) throw noEngine(id, engineName, [...engines.keys()])
    return { id, engineName, engine, takes: parametersOf(engine) }
  })
  const byId = new Map(rows.map(model => [model.id, model]))
  return {
    models: rows,
    find(id) {
      const [only, other] = rows
      if (id === undefined || id === '') {
        // A server with one model needs no name of it.
        if (only !== undefined && other === undefined) return only
        const names = [...byId.keys()].join(', ')
        throw new ApiError('INVALID_REQUEST', `model is missing: name one of ${names}.`)
      }
      const model = byId.get(id)
      if (model !== undefined) return model
      throw new ApiError('MODEL_NOT_FOUND', `${unknownName('model', id, [...byId.keys()])}.`)
    },
  }
}

/** True when the engine takes the value for a parameter of its own. */
export function accepts(engine: Engine, name: string, value: string): boolean {
  try {
    engine.checkParams({ [name]: value })
    return true
  } catch (error) {
    if (isUpscaleError(error) && error.code === 'BAD_DIRECTIVE') return false
    throw error
  }
}

/** The engine is asked, so that there is no second list of what each engine has. */
function parametersOf(engine: Engine): ReadonlySet<EngineParameter> {
  const names = Object.keys(ENGINE_PARAMETERS) as EngineParameter[]
  return new Set(names.filter(name => accepts(engine, name, SAMPLES[name])))
}

function noEngine(id: string, engineName: string, known: readonly string[]): UpscaleError {
  return new UpscaleError('UNKNOWN_ENGINE', `model "${id}": ${unknownName('engine', engineName, known)}`, {
    hint: `use one of ${known.join(', ')}, or give the model an engine such as lumenfall()`,
  })
}
