import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { type Directive, isUpscaleError, UpscaleError } from 'upscale-core'
import { findSourcePlace, mayHoldTags } from 'upscale-toolkit/references'
import type { Rollup } from 'vite'
import { isFile } from '../is-file.ts'
import { declaredExternal, withPlace } from '../project-upscaler.ts'
import { isTaggedImage, pathOf, type ReferenceSite } from '../reference.ts'
import type { ViteSession } from './session.ts'

/*
 * What the search of the output can't see: a small picture that something else inlined has lost its tag. So every tagged
 * reference of a module must have been replaced; one that was not is an error when the original ships in its place.
 */

/**
 * The error of a tagged reference that was not replaced although its picture ships; undefined when all were.
 * @param ids of all modules of an environment
 */
export async function findUnreplaced(
  ids: readonly string[],
  bundle: Rollup.OutputBundle,
  session: ViteSession,
): Promise<UpscaleError | undefined> {
  // A reference that we answered is a module of another name, or a text of ours.
  const taken = ids.find(
    id => isTaggedImage(id) && directiveOf({ reference: id, importer: undefined }, session)?.as === 'url',
  )
  if (taken !== undefined) return unreplaced({ reference: taken, importer: undefined })
  const files = new Set(ids.map(pathOf).filter(id => !id.startsWith('\0') && !id.includes('/node_modules/')))
  const seen = new Set<string>()
  for (const { file, request } of session.projectUpscaler.seenPictures())
    seen.add(seenName(file, request.factor))
  for (const file of files) {
    const text = isFile(file) && !isPicture(file) ? await readFile(file, 'utf8') : ''
    if (!mayHoldTags(text)) continue
    for (const site of await sitesIn(file, text)) {
      const isShipped = await isShippedSmall(site, text, bundle, seen, session)
      // The whole file is read for this: only where it decides, or a file of a thousand references is read as often.
      if (isShipped && findSourcePlace(file, text, site.reference) !== undefined) return unreplaced(site)
    }
  }
  return undefined
}

/** The error of a picture that the config leaves to whoever runs the output, where no such file is; undefined when there is none. */
export function findExternal(bundle: Rollup.OutputBundle, { slots }: ViteSession): UpscaleError | undefined {
  const besides = new Map([...slots.all()].map(slot => [basename(slot.beside), slot]))
  for (const output of Object.values(bundle)) {
    if (output.type !== 'chunk') continue
    const imported = [...output.imports, ...output.dynamicImports].find(
      name => !(name in bundle) && besides.has(basename(name)),
    )
    const slot = imported === undefined ? undefined : besides.get(basename(imported))
    if (slot !== undefined) return declaredExternal(slot.site)
  }
  return undefined
}

function isPicture(file: string): boolean {
  return isTaggedImage(`${file}?upscale`)
}

/** The references that stand in a module, those of its comments among them. */
async function sitesIn(file: string, text: string): Promise<ReferenceSite[]> {
  const { findReferences } = await import('upscale-toolkit/references/sources')
  return findReferences(file, text).map(({ address }) => ({ reference: address, importer: file }))
}

/** True for a reference that nobody asked us for, whose original is in the output although the module wants no other. */
async function isShippedSmall(
  site: ReferenceSite,
  text: string,
  bundle: Rollup.OutputBundle,
  seen: ReadonlySet<string>,
  session: ViteSession,
): Promise<boolean> {
  const { resolveReference } = await import('upscale-toolkit/references/sources')
  const directive = directiveOf(site, session)
  const source = resolveReference(site.reference, site.importer ?? '', session.config.root)
  if (directive === undefined || source === undefined) return false
  if (seen.has(seenName(source, directive.requests[0].factor)) || !isFile(source)) return false
  const name = basename(source)
  const isWantedAsItIs = text
    .split(name)
    .slice(1)
    .some(rest => !/^\?[^\s"'`)]*\bupscale\b/.test(rest))
  return !isWantedAsItIs && ships(await readFile(source), bundle)
}

function seenName(file: string, factor: number): string {
  return `${factor} ${file}`
}

function ships(bytes: Buffer, bundle: Rollup.OutputBundle): boolean {
  const inlined = bytes.toString('base64')
  return Object.values(bundle).some(output => {
    const content = output.type === 'chunk' ? output.code : output.source
    return typeof content === 'string'
      ? content.includes(inlined)
      : bytes.equals(content) || Buffer.from(content).includes(inlined)
  })
}

function directiveOf(site: ReferenceSite, { projectUpscaler }: ViteSession): Directive | undefined {
  try {
    return projectUpscaler.parse(site)
  } catch (error) {
    // Whoever asks for it is told; here only what can be made counts.
    if (!isUpscaleError(error)) throw error
    return undefined
  }
}

function unreplaced(site: ReferenceSite): UpscaleError {
  return withPlace(
    new UpscaleError(
      'LEFTOVER_REFERENCE',
      'the picture ships as it is, since this reference was not replaced',
      {
        hint: 'put upscale() first in plugins; if another plugin reads this place, import the image in JavaScript',
      },
    ),
    site,
  )
}
