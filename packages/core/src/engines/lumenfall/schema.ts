import { record } from '../../validate.ts'
import { textField } from '../http/json.ts'
import { ask, type CatalogueClient } from './ask.ts'
import { modelAddress } from './models.ts'

/** Names of parameters, as far as a schema of unknown shape gives them away. */
export interface ModelSchema {
  /** Those the model takes; empty where none could be made out. */
  readonly names: readonly string[]
  /** The schema as it came, of any shape. */
  readonly schema: unknown
}

/** How deep, and at how many places, names are looked for. */
const MAX_DEPTH = 8
const MAX_PLACES = 10_000

/**
 * The parameters of a model by `GET /models/{id}?schema=true`. The models' pages mention it in one sentence ("the
 * compiled parameter schema") and nothing shows its shape. So names are looked for where schemas have them, and nothing
 * may depend on their being found.
 * @throws UpscaleError with an API_ code
 */
export async function getModelSchema(id: string, client: CatalogueClient): Promise<ModelSchema> {
  const url = modelAddress(id, client)
  url.searchParams.set('schema', 'true')
  const { json } = await ask({ method: 'GET', isOrder: false, url }, client)
  return { names: findNames(json), schema: json }
}

/** Of the fields about to be sent, those that a schema doesn't know: something to warn of, never an error. */
export function unknownFields(sent: readonly string[], { names }: ModelSchema): readonly string[] {
  return names.length === 0 ? [] : sent.filter(name => !names.includes(name))
}

/** Keys of every `properties`, and names in every list of `parameters`, at most eight levels down. */
function findNames(json: unknown): readonly string[] {
  const names = new Set<string>()
  let level: readonly unknown[] = [json]
  let places = 0
  for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth++) {
    const next: unknown[] = []
    for (const value of level) {
      if (typeof value !== 'object' || value === null || places++ > MAX_PLACES) continue
      for (const [key, child] of Object.entries(value)) {
        if (key === 'properties' || key === 'parameters') for (const name of namesIn(child)) names.add(name)
        next.push(child)
      }
    }
    level = next
  }
  return [...names]
}

function namesIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(entry => textField(entry, 'name') ?? [])
  // JSON Schema itself has "properties" below "parameters".
  return record.accepts(value) && !record.accepts(value.properties) ? Object.keys(value) : []
}
