import { isUpscaleError, type UpscaleRequest } from 'upscale-core'
import { invalidRequest } from './api-error.ts'
import type { Catalogue, Model } from './catalogue.ts'
import {
  ENGINE_PARAMETERS,
  type EngineParameter,
  type Kind,
  type Parameter,
  readParameter,
  SERVER_PARAMETERS,
  UNUSED_FIELDS,
  type ValueOf,
} from './parameters.ts'

/** One order, checked: nothing in it can fail any more for what the form says. */
export interface Edit {
  readonly model: Model
  readonly request: UpscaleRequest
  /** How often the picture is listed in the answer. */
  readonly n: number
  readonly delivery: 'url' | 'b64_json'
  /** True where the answer is one event, with the picture in it. */
  readonly isStreamed: boolean
  /** Fields that were right but mean nothing for this model. */
  readonly ignored: readonly string[]
  readonly user: string | undefined
}

type Fields = ReadonlyMap<string, string>
type ServerParameter = keyof typeof SERVER_PARAMETERS

/** Fields whose empty text means that they are left out; clients in Python must send a prompt. */
const MAY_BE_EMPTY: ReadonlySet<string> = new Set(['prompt', 'user'])

const LOSSY: ReadonlySet<string> = new Set(['jpeg', 'webp', 'avif'])

/**
 * Makes an order of a form's text fields.
 * @param defaultFactor - stands for a scale_factor that is left out
 * @throws ApiError INVALID_REQUEST, MODEL_NOT_FOUND
 */
export function planEdit(form: Fields, catalogue: Catalogue, defaultFactor: number): Edit {
  const fields = new Map([...form].filter(([name, value]) => value !== '' || !MAY_BE_EMPTY.has(name)))
  const model = catalogue.find(fields.get('model'))
  const factor = serverValue(fields, 'scale_factor') ?? defaultFactor
  const format = serverValue(fields, 'output_format')
  const quality = readQuality(fields, format)
  // Checked although it has no effect: a wrong value is a mistake somewhere.
  serverValue(fields, 'sync_mode')
  const { params, ignored } = sortRest(fields, model)
  checkWithEngine(model, factor, params)
  return {
    model,
    request: {
      factor,
      engine: model.engineName,
      ...(format === undefined ? {} : { format }),
      ...(quality === undefined ? {} : { quality }),
      params,
    },
    isStreamed: readStream(fields.get('stream')),
    n: serverValue(fields, 'n') ?? SERVER_PARAMETERS.n.default,
    delivery: serverValue(fields, 'response_format') ?? SERVER_PARAMETERS.response_format.default,
    ignored,
    user: serverValue(fields, 'user'),
  }
}

function serverValue<N extends ServerParameter>(
  fields: Fields,
  name: N,
): ValueOf<(typeof SERVER_PARAMETERS)[N]['kind']> | undefined {
  const written = fields.get(name)
  const parameter: Parameter<(typeof SERVER_PARAMETERS)[N]['kind']> = SERVER_PARAMETERS[name]
  return written === undefined ? undefined : readParameter(name, parameter, written)
}

function readQuality(fields: Fields, format: string | undefined): number | undefined {
  const compression = serverValue(fields, 'output_compression')
  if (compression === undefined) return undefined
  if (format !== undefined && LOSSY.has(format)) return Math.max(1, compression)
  throw invalidRequest('output_compression needs output_format jpeg, webp or avif.')
}

/** Parts what is not the server's own: for the engine, or without meaning here. Unknown names are the engine's to refuse. */
function sortRest(fields: Fields, model: Model): { params: Record<string, string>; ignored: string[] } {
  const params: Record<string, string> = {}
  const ignored: string[] = []
  for (const [name, written] of fields) {
    if (name === 'model' || name === 'stream' || Object.hasOwn(SERVER_PARAMETERS, name)) continue
    if (UNUSED_FIELDS.includes(name)) ignored.push(name)
    else if (!isEngineParameter(name)) params[name] = written
    else if (model.takes.has(name)) params[name] = spell(name, written)
    else {
      readParameter<Kind>(name, ENGINE_PARAMETERS[name], written)
      ignored.push(name)
    }
  }
  return { params, ignored }
}

function isEngineParameter(name: string): name is EngineParameter {
  return Object.hasOwn(ENGINE_PARAMETERS, name)
}

/** Engines know `true`, not Python's `True`. */
function spell(name: EngineParameter, written: string): string {
  return ENGINE_PARAMETERS[name].kind.type === 'boolean' ? written.toLowerCase() : written
}

function readStream(written: string | undefined): boolean {
  if (written === undefined) return false
  return readParameter('stream', { kind: { type: 'boolean' }, description: '' }, written)
}

function checkWithEngine({ id, engine, takes }: Model, factor: number, params: Record<string, string>): void {
  if (engine.scaleFor(factor) === undefined) throw invalidRequest(`${id} can't reach scale_factor ${factor}.`)
  try {
    engine.checkParams(params)
  } catch (error) {
    if (!isUpscaleError(error)) throw error
    // A mistyped name of our own fields is unknown to the engine too, and it can't say what was meant.
    const known = ['model', 'image', ...Object.keys(SERVER_PARAMETERS), ...takes]
    throw invalidRequest(`${error.problem}. The fields of ${id} are ${known.join(', ')}.`, { cause: error })
  }
}
