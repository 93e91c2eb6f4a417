import type { FastifyInstance } from 'fastify'
import type { Model } from '../catalogue.ts'
import { readQueryFlag } from '../query.ts'
import { schemaOf } from '../schema.ts'
import type { ServerParts } from '../server-parts.ts'

/** `GET /models` and `GET /models/{id}`, the latter with the schema of the model's parameters on `?schema=true`. */
export function modelRoutes(api: FastifyInstance, { catalogue, upscaler, startedAt }: ServerParts): void {
  const describe = ({ id, engine }: Model): object => ({
    id,
    object: 'model',
    created: Math.floor(startedAt / 1000),
    owned_by: engine.id,
  })

  api.get('/models', () => ({ object: 'list', data: catalogue.models.map(describe) }))

  // A name pinned to a provider has a slash in it, written as it is or as %2F.
  api.get<{ Params: { '*': string } }>('/models/*', request => {
    const model = catalogue.find(request.params['*'])
    if (!readQueryFlag(request.query, 'schema')) return describe(model)
    return { ...describe(model), schema: schemaOf(model, upscaler.options.factor) }
  })
}
