import { accepts, type Model } from './catalogue.ts'
import { ENGINE_PARAMETERS, type Kind, type Parameter, SERVER_PARAMETERS } from './parameters.ts'

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** The parameters of one model, from the table that requests are checked against. */
export function schemaOf(model: Model, defaultFactor: number): JsonSchema {
  const factor = { ...SERVER_PARAMETERS.scale_factor, default: defaultFactor }
  const server = {
    ...SERVER_PARAMETERS,
    scale_factor: { ...factor, kind: { ...factor.kind, max: reach(model) } },
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: model.id,
    type: 'object',
    properties: {
      model: { type: 'string', const: model.id },
      image: {
        type: 'string',
        contentMediaType: 'application/octet-stream',
        description: 'The file part: one still PNG, JPEG, WebP, AVIF or GIF. It may also be called image[].',
      },
      ...Object.fromEntries(Object.entries<Parameter>(server).map(([name, one]) => [name, property(one)])),
      ...Object.fromEntries([...model.takes].map(name => [name, engineProperty(model, name)])),
    },
    required: ['model', 'image'],
    additionalProperties: false,
  }
}

/** The largest whole factor the engine can reach. */
function reach({ engine }: Model): number {
  const { max } = SERVER_PARAMETERS.scale_factor.kind
  for (let factor = max; factor > 2; factor--) if (engine.scaleFor(factor) !== undefined) return factor
  return 2
}

/** An engine may have another range under the same name; then the schema has none rather than a wrong one. */
function engineProperty({ engine }: Model, name: keyof typeof ENGINE_PARAMETERS): JsonSchema {
  const parameter: Parameter = ENGINE_PARAMETERS[name]
  const { kind } = parameter
  const same =
    kind.type !== 'integer' ||
    (accepts(engine, name, String(kind.min)) && accepts(engine, name, String(kind.max)))
  return same ? property(parameter) : { type: 'number', description: parameter.description }
}

function property({ kind, description, default: standard }: Parameter): JsonSchema {
  return { ...typeOf(kind), description, ...(standard === undefined ? {} : { default: standard }) }
}

function typeOf(kind: Kind): JsonSchema {
  switch (kind.type) {
    case 'integer':
      return { type: 'integer', minimum: kind.min, maximum: kind.max }
    case 'factor':
      return { type: 'number', exclusiveMinimum: kind.above, maximum: kind.max }
    case 'boolean':
      return { type: 'boolean' }
    case 'text':
      return { type: 'string', minLength: 1, maxLength: kind.max }
    case 'choice':
      return { type: 'string', enum: kind.values }
  }
}
