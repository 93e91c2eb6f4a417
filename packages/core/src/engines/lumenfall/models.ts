import { UpscaleError } from '../../errors.ts'
import { safeText } from '../../safe-text.ts'
import { show } from '../../validate.ts'
import { below } from '../http/address.ts'
import { field, textField } from '../http/json.ts'
import { badAnswer } from '../openai/errors.ts'
import { ask, type CatalogueClient } from './ask.ts'

/** A model as the catalogue shows it; texts are fit for printing. */
export interface CatalogueModel {
  readonly id: string
  readonly name?: string
  readonly ownedBy?: string
  readonly description?: string
}

/**
 * Every model of the catalogue, by `GET /models` (docs.lumenfall.ai/api-reference/models/list). Entries without an id
 * are left out.
 * @throws UpscaleError with an API_ code
 */
export async function listModels(client: CatalogueClient): Promise<readonly CatalogueModel[]> {
  const question = { method: 'GET', isOrder: false, url: below(client.base, 'models') } as const
  const data = field((await ask(question, client)).json, 'data')
  if (!Array.isArray(data)) throw badAnswer(client.service, 'sent no list of models')
  return data.flatMap(entry => readModel(entry, client) ?? [])
}

/** @throws UpscaleError API_NOT_FOUND for a model that the catalogue doesn't have, or another API_ code */
export async function getModel(id: string, client: CatalogueClient): Promise<CatalogueModel> {
  const question = { method: 'GET', isOrder: false, url: modelAddress(id, client) } as const
  const model = readModel((await ask(question, client)).json, client)
  if (model === undefined) throw badAnswer(client.service, 'sent no model')
  return model
}

/** @throws UpscaleError BAD_OPTION for what can't be the name of a model */
export function modelAddress(id: string, { base }: CatalogueClient): URL {
  if (/^[\w.-]{1,200}(?:\/[\w.-]{1,200})?$/.test(id) && !/^\.+$|^\.+\/|\/\.+$/.test(id)) {
    return below(base, `models/${id}`)
  }
  throw new UpscaleError('BAD_OPTION', `${show(id)} is no name of a model`, {
    hint: 'write it like "ideogram-upscale" or "fal/ideogram-upscale"',
  })
}

function readModel(entry: unknown, { service }: CatalogueClient): CatalogueModel | undefined {
  const read = (name: string): string | undefined => {
    const text = textField(entry, name)
    return text === undefined ? undefined : safeText(text, { secrets: service.secrets })
  }
  const id = read('id')
  if (id === undefined || id === '') return undefined
  const name = read('name')
  const ownedBy = read('owned_by')
  const description = read('description')
  return {
    id,
    ...(name === undefined ? {} : { name }),
    ...(ownedBy === undefined ? {} : { ownedBy }),
    ...(description === undefined ? {} : { description }),
  }
}
