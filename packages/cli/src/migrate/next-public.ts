import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { isRasterName } from 'upscale-core/internal'
import { decodedPath, isElsewhere } from 'upscale-toolkit/references'
import {
  hasOtherSize,
  type PictureComponent,
  pictureComponents,
  shownWidth,
  textOf,
  type Use,
  usesOf,
  variableFor,
} from './component-uses.ts'
import { type Finding, factorFor, type Project, type SourceText } from './finding.ts'

/** Packages that give an imported picture another meaning in Next.js. */
const OTHER_IMPORTS = ['next-images', 'next-optimized-images']

/**
 * `<Image src="/hero.png">` of Next.js that shows a picture of `public/` larger than it is. An address there is a text that
 * no bundler reads; an import of the same file is, and Next.js takes either.
 */
export async function* nextPublicPictures(source: SourceText, project: Project): AsyncGenerator<Finding> {
  const folder = project.packageOf(source)
  if (folder === undefined || !project.dependsOn('next', source)) return
  const variables = new Map<string, string>()
  const words = new Set<string>()
  for (const component of pictureComponents(source.text)) {
    if (!component.isNext) continue
    if (words.size === 0) for (const [word] of source.text.matchAll(/\w+/g)) words.add(word)
    for (const use of usesOf(source.text, component)) {
      const finding = await publicPicture({ source, project, folder, component, use, variables, words })
      if (finding !== undefined) yield finding
    }
  }
}

interface Place {
  readonly source: SourceText
  readonly project: Project
  /** Of the Next.js project, absolute. */
  readonly folder: string
  readonly component: PictureComponent
  readonly use: Use
  /** What the source imports by now: names, by address. */
  readonly variables: Map<string, string>
  /** The words of the source, and those variables. */
  readonly words: Set<string>
}

async function publicPicture(place: Place): Promise<Finding | undefined> {
  const { source, project, folder, component, use, variables, words } = place
  const src = use.attributes.get('src')
  const address = textOf(use, 'src')
  if (src === undefined || address === undefined || use.isComment) return undefined
  if (!address.startsWith('/') || isElsewhere(address) || !isRasterName(address)) return undefined
  const file = join(folder, 'public', decodedPath(address))
  const size = existsSync(file) ? await project.sizeOf(file) : undefined
  const wanted = size === undefined ? undefined : shownWidth(use, size)
  if (size === undefined || wanted === undefined || wanted <= size.width) return undefined
  const { start, end } = src
  const shown = `${address} is shown ${wanted} pixels wide, ${size.width} it has`
  const factor = factorFor(size.width, wanted)
  const obstacle = obstacleTo(place, file)
  if (factor === undefined) return { start, end, why: `${shown}: more than eight times` }
  if (obstacle !== undefined) return { start, end, why: `${shown}; ${obstacle}` }
  const path = relative(dirname(source.file), file).replaceAll('\\', '/')
  const tagged = `${path.startsWith('.') ? path : `./${path}`}?upscale=${factor}`
  const variable = variables.get(tagged) ?? variableFor(file, words)
  variables.set(tagged, variable)
  words.add(variable)
  const { quote, semicolon, end: at } = component
  const newline = source.text.startsWith('\r\n', at) ? '\r\n' : '\n'
  const text = `${newline}import ${variable} from ${quote}${tagged}${quote}${semicolon}`
  return {
    start,
    end,
    replacement: `{${variable}}`,
    insertion: { at, text },
    why: `${shown}; imported, so that a bundler sees it`,
  }
}

/** Why an import can't stand for an address; undefined where it can. */
function obstacleTo({ project, source, folder, use }: Place, file: string): string | undefined {
  if (hasOtherSize(use) || use.isSpread) return 'a class, a style or a spread object may give it another size'
  if (use.attributes.has('loader')) return 'its loader gets the address'
  if (/["'`?#%\\]/.test(file)) return 'its name can stand in no import'
  if (OTHER_IMPORTS.some(name => project.dependsOn(name, source)))
    return 'another plugin decides what an import of a picture is'
  const config = readdirSync(folder).find(name => /^next\.config\.[cm]?[jt]s$/.test(name))
  const settings = config === undefined ? '' : readFileSync(join(folder, config), 'utf8')
  if (
    /\bdisableStaticImages\b|\bloaderFile\b|\bloader\s*:\s*["'](?:custom|cloudinary|imgix|akamai)["']/.test(
      settings,
    )
  )
    return `${config} has a loader of its own, or no imports of pictures`
  return undefined
}
