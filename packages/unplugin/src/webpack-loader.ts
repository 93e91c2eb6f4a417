import { type Directive, isUpscaleError, type UpscaledImage } from 'upscale-core'
import type { LoaderContext } from 'webpack'
import { readChecked } from './checked-bytes.ts'
import type { Finisher, Mention } from './finish.ts'
import { pathOf, queryOf, withRest } from './reference.ts'
import { variantCode } from './variants.ts'

/** Where the loader finds the upscaler of its build; not in its options, which are part of a module's identity. */
export const FINISHER: unique symbol = Symbol.for('unplugin-upscale')

type Context = LoaderContext<unknown> & { readonly [FINISHER]?: Finisher }

/** webpack hands over and takes back bytes. */
export const raw = true

/** The loader behind the plugin: the content of `hero.png?upscale=2` is the finished picture. Not for use by hand. */
export default function load(this: Context): void {
  const callback = this.async()
  produce(this).then(
    content => callback(null, content),
    error => callback(describe(error)),
  )
}

async function produce(context: Context): Promise<string | Buffer> {
  const finisher = context[FINISHER]
  if (finisher === undefined) throw new Error('add the plugin of unplugin-upscale/webpack to the config')
  const mention = mentionOf(context)
  const directive = finisher.parse(mention)
  const image = await finisher.finish(context.resourcePath, directive.requests[0], mention)
  if (directive.as === 'url') return readChecked(image)
  return variantCode(directive, partsOf(directive, image, context, finisher))
}

function partsOf(
  { requests, rest }: Directive,
  image: UpscaledImage,
  { context, resourcePath, utils }: Context,
  { options }: Finisher,
): Parameters<typeof variantCode>[1] {
  const path = utils.contextify(context ?? '/', resourcePath)
  return {
    original: path + rest,
    upscaled: requests.map(request => path + withRest(queryOf(request, options), rest)),
    image,
  }
}

/** Who asked, for messages. webpack keeps the request as written on the module and the asker in the graph. */
function mentionOf({
  _module: module,
  _compilation: compilation,
  resourcePath,
  resourceQuery,
}: Context): Mention {
  const issuer = module && compilation?.moduleGraph.getIssuer(module)
  const importer = issuer?.nameForCondition() ?? undefined
  const written = module && 'rawRequest' in module ? String(module.rawRequest) : resourcePath + resourceQuery
  const last = written.slice(written.lastIndexOf('!') + 1)
  // The query decides what is made, so what another plugin made of the request counts.
  const reference = last.endsWith(resourceQuery) ? last : resourcePath + resourceQuery
  return { reference, importer: importer && pathOf(importer) }
}

/** webpack prints the stack of an error; ours says all in its message. */
function describe(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  if (isUpscaleError(error)) error.stack = error.message
  return error
}
