import { basename } from 'node:path'
import type { UpscaleError } from 'upscale-core'
import { isPicturePath } from 'upscale-toolkit/references'
import type { Rollup } from 'vite'
import { directiveOf, findUnreplaced, unreplaced } from '../accounts.ts'
import { declaredExternal } from '../project-upscaler.ts'
import { isTaggedImage, pathOf } from '../reference.ts'
import type { BuildSession } from './build-session.ts'

/**
 * The error of a tagged reference of an environment that nothing was made for although its picture ships; undefined
 * when all is well.
 * @param ids of all modules of the environment
 */
export async function findUnanswered(
  ids: readonly string[],
  bundle: Rollup.OutputBundle,
  session: BuildSession,
): Promise<UpscaleError | undefined> {
  const { projectUpscaler, config } = session
  // A reference that we answered is a module of another name, or a text of ours.
  const taken = ids.find(
    id =>
      isTaggedImage(id) && directiveOf({ reference: id, importer: undefined }, projectUpscaler)?.as === 'url',
  )
  if (taken !== undefined) return unreplaced({ reference: taken, importer: undefined })
  const external = findExternal(bundle, session)
  if (external !== undefined) return external
  return findUnreplaced({
    projectUpscaler,
    root: config.root,
    files: ids.filter(id => !id.startsWith('\0') && !WORKER.test(id)).map(pathOf),
    contents: () =>
      Object.values(bundle).map(output => (output.type === 'chunk' ? output.code : output.source)),
  })
}

/** The module of a worker in a page is only its address; what it imports is in a bundle of its own, with a look of its own. */
const WORKER = /[?&](?:shared)?worker(?:&|$)/

/** The error of a picture that the config leaves to whoever runs the output, where no such file is; undefined when there is none. */
function findExternal(bundle: Rollup.OutputBundle, { slots }: BuildSession): UpscaleError | undefined {
  const external = Object.keys(bundle).flatMap(name => {
    // By names first: Rolldown copies an output over from its side when it is touched, and most are pictures.
    const output = isPicturePath(name) ? undefined : bundle[name]
    return output?.type === 'chunk'
      ? [...output.imports, ...output.dynamicImports].filter(imported => !(imported in bundle))
      : []
  })
  // Most builds have none, and may have thousands of pictures.
  if (external.length === 0) return undefined
  const besides = new Map([...slots.all()].map(slot => [basename(slot.beside), slot]))
  const slot = external.map(name => besides.get(basename(name))).find(found => found !== undefined)
  return slot && declaredExternal(slot.site)
}
