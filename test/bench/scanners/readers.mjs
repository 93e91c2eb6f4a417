/** What reads texts, as it is built. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { findCandidates, findSourcePlace, findStyleTexts } from 'upscale-toolkit/references'
import { findOutputReferences } from 'upscale-toolkit/references/output'
import { scanCss, scanHtml } from 'upscale-toolkit/references/scan'
import { findReferences, gatherPictures } from 'upscale-toolkit/references/sources'
import { findRuledImages, tagRuledImages } from 'upscale-toolkit/rules'
import { TAG } from './texts.mjs'

const RULES = [{ files: 'none/**' }, { within: 'main', factor: 4 }, { shown: true }, {}]
/** All images are one file, which is there. */
const PAGE = {
  file: '/a.html',
  root: '/',
  factor: 2,
  fileOf: () => fileURLToPath(new URL('../../../docs/images/before-after.webp', import.meta.url)),
}

const leftovers = (name, text) => findOutputReferences(name, text, { ownPrefixes: [], isKnown: () => false })
const ruled = async page => tagRuledImages(page, await findRuledImages(page, RULES, PAGE))

/** What no package exports, built when it is asked for: each row has a process of its own. */
async function built(path) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../../../packages/${path}`, import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    write: false,
  })
  // In the package, since what it imports is looked for from there.
  const folder = new URL(`../../../packages/${path.split('/')[0]}/`, import.meta.url)
  const file = fileURLToPath(new URL(`.built-${process.pid}-${path.replaceAll('/', '-')}.mjs`, folder))
  await writeFile(file, outputFiles[0].contents)
  return import(file).finally(() => rm(file))
}

const modules = new Map()
const from = path => {
  const known = modules.get(path) ?? built(path)
  modules.set(path, known)
  return known
}

/** The plugins read by it what bundlers hand to them. */
const slipsIn = async (file, text) => (await from('unplugin/src/slips.ts')).slipsIn(file, text)

/** A project in which all pictures are one of 9 × 9 pixels. */
const PROJECT = {
  find: () => '/a.png',
  sizeOf: async () => ({ width: 90, height: 60 }),
  dependsOn: () => true,
  packageOf: () => undefined,
}
const migrated = async text => {
  const { applied, findingsIn } = await from('cli/src/migrate/index.ts')
  const source = { file: '/a.tsx', text }
  return applied(source, await findingsIn(source, PROJECT))
}

/** What reads files has the text in one. */
async function inFile(name, text, read) {
  const folder = await mkdtemp(join(tmpdir(), 'upscale-row-'))
  const file = join(folder, name)
  try {
    await writeFile(file, text)
    return await read(file)
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** As a plan, the inspector and an estimate do, in a project in which every picture is one. */
const gathered = text =>
  inFile('a.tsx', text, file => {
    const parse = reference => ({
      path: reference.split('?', 1)[0],
      requests: [{ factor: 2 }],
      as: 'url',
      rest: '',
    })
    const sources = (async function* () {
      yield file
    })()
    return gatherPictures(sources, { root: '/', parse, nameOf: () => 'a.tsx', resolve: async () => '/a.png' })
  })

/** As at the end of a build that replaced nothing. */
const accounted = text =>
  inFile('a.tsx', text, async file => {
    const { findUnreplaced } = await from('unplugin/src/accounts.ts')
    const parse = ({ reference }) => ({
      path: reference.split('?', 1)[0],
      requests: [{ factor: 2 }],
      as: 'url',
      rest: '',
    })
    const projectUpscaler = { parse, seenPictures: () => [], wasAsked: () => false, noticeSlips() {} }
    return findUnreplaced({ projectUpscaler, root: '/', files: [file], contents: () => [] })
  })

const OPTIONS = { engine: 'local', engines: new Map([['local', {}]]), factor: 2, presets: new Map() }
const directiveOf = async text => {
  const { misspelledKeys, parseDirective } = await from('core/src/request/directive.ts')
  misspelledKeys(text)
  try {
    parseDirective(text, OPTIONS)
  } catch (error) {
    if (error?.code !== 'BAD_DIRECTIVE') throw error
  }
}

/** Of a list that can't be right it is said in words. */
const listed = async text => {
  const { readManifestInPieces } = await from('core/src/cache/manifest-text.ts')
  const list = await readManifestInPieces(Buffer.from(text))
  return typeof list === 'string' ? list : list.get('0'.repeat(64))
}

const renewed = async html => {
  const { renewIntegrity } = await from('cli/src/html/integrity.ts')
  const { changedDigests, renewPolicy } = await from('cli/src/html/policy.ts')
  const changed = renewIntegrity(html, () => Buffer.from('b')).replaceAll('a:b', 'a:c')
  return renewPolicy(changed, changedDigests(html, changed))
}

/** What is found one after the other, and not kept. */
function drained(found) {
  let count = 0
  for (const _ of found) count++
  return count
}

export const READERS = {
  'page scanHtml': text => scanHtml(text).rewrite(() => 'b.png'),
  'page findRuledImages': ruled,
  'page leftovers': text => leftovers('a.html', text),
  'style scanCss': text => scanCss(text).rewrite(() => 'b.png'),
  'style findStyleTexts': text => drained(findStyleTexts(text)),
  'style leftovers': text => leftovers('a.css', text),
  'style sizes': text => ruled(`<img src=a.png><style>${text}`),
  'style findSourcePlace': text => findSourcePlace('a.css', text, `not/${TAG}`),
  'script slipsIn': text => slipsIn('/none.tsx', text),
  'style slipsIn': text => slipsIn('/none.css', text),
  'source slipsIn': text => slipsIn('/none.vue', text),
  'srcset findCandidates': text => drained(findCandidates(text)),
  'source findReferences': text => findReferences('a.tsx', text),
  'source gatherPictures': gathered,
  'source findSourcePlace': text => findSourcePlace('a.vue', text, `not/${TAG}`),
  'script leftovers': text => leftovers('a.js', text),
  'script findUnreplaced': accounted,
  'script findSourcePlace': text => findSourcePlace('a.tsx', text, `not/${TAG}`),
  'data leftovers': text => leftovers('a.json', text),
  'xml leftovers': text => leftovers('a.xml', text),
  'prose leftovers': text => leftovers('a.md', text),
  'project migrate': migrated,
  'directive parseDirective': directiveOf,
  'list readManifest': listed,
  'policy renewPolicy': renewed,
}
