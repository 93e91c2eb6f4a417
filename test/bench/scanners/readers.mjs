/** What reads texts, as it is built. */
import { fileURLToPath } from 'node:url'
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

export const READERS = {
  'page scanHtml': text => scanHtml(text).rewrite(() => 'b.png'),
  'page findRuledImages': ruled,
  'page leftovers': text => leftovers('a.html', text),
  'style scanCss': text => scanCss(text).rewrite(() => 'b.png'),
  'style findStyleTexts': text => findStyleTexts(text),
  'style leftovers': text => leftovers('a.css', text),
  'style sizes': text => ruled(`<img src=a.png><style>${text}`),
  'style findSourcePlace': text => findSourcePlace('a.css', text, `not/${TAG}`),
  'srcset findCandidates': text => findCandidates(text),
  'source findReferences': text => findReferences('a.tsx', text),
  'source findSourcePlace': text => findSourcePlace('a.vue', text, `not/${TAG}`),
  'script leftovers': text => leftovers('a.js', text),
  'script findSourcePlace': text => findSourcePlace('a.tsx', text, `not/${TAG}`),
  'data leftovers': text => leftovers('a.json', text),
  'xml leftovers': text => leftovers('a.xml', text),
  'prose leftovers': text => leftovers('a.md', text),
}
