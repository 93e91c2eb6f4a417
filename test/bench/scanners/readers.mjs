/** What reads texts, as it is built. */
import { rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { findCandidates, findSourcePlace, findStyleTexts } from 'upscale-toolkit/references'
import { findOutputReferences } from 'upscale-toolkit/references/output'
import { scanCss, scanHtml } from 'upscale-toolkit/references/scan'
import { findReferences } from 'upscale-toolkit/references/sources'
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

/** No package exports it: the plugins read by it what bundlers hand to them. */
async function builtSlips() {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../../../packages/unplugin/src/slips.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    write: false,
  })
  // Beside this file, since what it imports is looked for from there.
  const file = fileURLToPath(new URL(`.slips-${process.pid}.mjs`, import.meta.url))
  await writeFile(file, outputFiles[0].contents)
  return import(file).finally(() => rm(file))
}

/** Built when it is asked for: each row has a process of its own. */
let slips
const slipsIn = async (file, text) => {
  slips ??= await builtSlips()
  return slips.slipsIn(file, text)
}

export const READERS = {
  'page scanHtml': text => scanHtml(text).rewrite(() => 'b.png'),
  'page findRuledImages': ruled,
  'page leftovers': text => leftovers('a.html', text),
  'style scanCss': text => scanCss(text).rewrite(() => 'b.png'),
  'style findStyleTexts': text => findStyleTexts(text),
  'style leftovers': text => leftovers('a.css', text),
  'style sizes': text => ruled(`<img src=a.png><style>${text}`),
  'style findSourcePlace': text => findSourcePlace('a.css', text, `not/${TAG}`),
  'script slipsIn': text => slipsIn('/none.tsx', text),
  'style slipsIn': text => slipsIn('/none.css', text),
  'source slipsIn': text => slipsIn('/none.vue', text),
  'srcset findCandidates': text => findCandidates(text),
  'source findReferences': text => findReferences('a.tsx', text),
  'source findSourcePlace': text => findSourcePlace('a.vue', text, `not/${TAG}`),
  'script leftovers': text => leftovers('a.js', text),
  'script findSourcePlace': text => findSourcePlace('a.tsx', text, `not/${TAG}`),
  'data leftovers': text => leftovers('a.json', text),
  'xml leftovers': text => leftovers('a.xml', text),
  'prose leftovers': text => leftovers('a.md', text),
}
