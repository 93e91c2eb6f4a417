/*
 * How the processor's time of each reader of texts grows with the text. Every row is a text that made some reader slow or made it
 * overflow once; each is read at doubling lengths, and the last column is the growth from one length to the next,
 * where 2 is linear. Ends with 1 when a row grows by more than 2.2 or a reader throws.
 *
 *     pnpm bench:scanners [largest length in MB, 16 unless given]
 */
import { fileURLToPath } from 'node:url'
import { runnerImport } from 'vite'

/** A module of TypeScript, which not every Node takes as it is. */
const load = async path =>
  (await runnerImport(fileURLToPath(new URL(`../../packages/${path}`, import.meta.url)))).module

const { findLeftovers } = await load('unplugin/src/leftovers.ts')
const { scanCss, scanHtml } = await load('toolkit/src/references/scan.ts')
const { findReferences } = await load('toolkit/src/references/source-text.ts')
const { findCandidates } = await load('toolkit/src/references/srcset.ts')
const { findRuledImages, tagRuledImages } = await load('toolkit/src/rules/index.ts')
const { findStyleTexts } = await load('toolkit/src/references/style-text.ts')

const MB = 1_000_000
const largest = Number(process.argv[2] ?? 16) * MB
const only = process.argv[3]
const MOST_GROWTH = 2.2
/** Below this a growth says nothing, in milliseconds. */
const SHORTEST_MS = 40

const TAG = 'a.png?upscale=2'
const fill = (part, length) => part.repeat(Math.ceil(length / part.length))
const leftovers = (name, text) =>
  findLeftovers([{ name, text: () => text }], { ownPrefixes: [], isKnown: () => false })

const RULES = [{ files: 'none/**' }, { within: 'main', factor: 4 }, { shown: true }, {}]
/** All images are one file, which is there. */
const PAGE = {
  root: '/',
  factor: 2,
  fileOf: () => fileURLToPath(new URL('../../docs/images/before-after.webp', import.meta.url)),
}

const READERS = {
  'page scanHtml': text => scanHtml(text, undefined),
  'page findRuledImages': async text => tagRuledImages(text, await findRuledImages(text, RULES, PAGE)),
  'style scanCss': text => scanCss(text),
  'style findStyleTexts': text => findStyleTexts(text),
  'srcset findCandidates': text => findCandidates(text),
  'source findReferences': text => findReferences('a.tsx', text),
  'script leftovers': text => leftovers('a.js', text),
  'style leftovers': text => leftovers('a.css', text),
  'page leftovers': text => leftovers('a.html', text),
}

const TEXTS = {
  page: {
    images: length => fill(`<img src="${TAG}">`, length),
    // More elements than these don't fit into a process.
    'images and styles': length => {
      const parts = Array.from({ length: length / 60 }, (_, at) => at)
      const styles = parts.map(at => `.c${at}{width:${at}px}`)
      return `<style>${styles.join('')}</style>${parts.map(at => `<img class=c${at} src=a.png>`).join('')}<img src="${TAG}">`
    },
    'nested tags': length => `${fill('<b>', Math.min(length, 4 * MB))}<img src="${TAG}">`,
    'nested lists': length => `${fill('<ul><li>', Math.min(length, 4 * MB))}<img src="${TAG}">`,
    'misnested tags': length => `<img src="${TAG}">${fill('<b><p></b>', Math.min(length, 4 * MB))}`,
    'a data address': length => `<img src="${TAG}"><img src="data:image/png;base64,${fill('A', length)}">`,
    'a srcset of data': length =>
      `<img src="${TAG}" srcset="${fill('data:image/gif;base64,AAAA 1x, ', length)}">`,
    'styles in attributes': length => fill(`<p style="background:url(${TAG})">`, length),
    'styles in elements': length => fill(`<style>p{background:url(${TAG})}</style>`, length),
    'scripts in elements': length => fill(`<script>x='${TAG}'</script>`, length),
    'an open script': length => `<img src="${TAG}"><script>${fill('<!--<script>', length)}`,
    'an open text area': length => `<img src="${TAG}"><textarea>${fill('</texta', length)}`,
    'backslashes and quotes': length => `<img src="${TAG}" alt="${fill("\\'", length)}">`,
    'character references': length => `<img src="${TAG}" alt="${fill('&amp', length)}">`,
    'attributes of one tag': length => `<img src="${TAG}" ${fill('a ', length)}>`,
    'a srcset of commas': length => `<img src="${TAG}" srcset="${fill(',', length)}">`,
    'a style of data': length =>
      `<p style="background:url(${TAG}) url(data:image/png;base64,${fill('A', length)})">`,
    'open comments': length => `<img src="${TAG}">${fill('<!--', length)}`,
    'equals signs': length => `<img src="${TAG}" ${fill('=', length)}>`,
  },
  style: {
    'a data address': length => `a{background:url(${TAG}) url(data:image/png;base64,${fill('A', length)})}`,
    'a quoted data address': length =>
      `a{background:url(${TAG}) url("data:image/png;base64,${fill('A', length)}")}`,
    'open comments': length => `a{background:url(${TAG})}${fill('/*', length)}`,
    'open addresses': length => `a{background:url(${TAG})}${fill('url(', length)}`,
    'open addresses with spaces': length => `a{background:url(${TAG})}${fill('url(   ', length)}`,
    'an address of spaces': length => `a{background:url(${TAG})}url(${fill(' ', length)}`,
    'backslashes and quotes': length => `a{background:url(${TAG})}${fill('\\"', length)}`,
    'an open string': length => `a{background:url(${TAG})}"${fill('\\"', length)}`,
    'nested blocks': length => `${fill('a{', length)}background:url(${TAG})`,
    'nested brackets': length => `a{background:${fill('image-set(', length)}url(${TAG})`,
    'an image set': length => `a{background:image-set(${fill(`url(${TAG}) 1x,`, length)})}`,
    'many addresses': length => fill(`a{background:url(${TAG})}`, length),
    'equals signs': length => `a{background:url(${TAG})}${fill('=', length)}`,
    'data addresses of a drawing': length =>
      `a{background:url(${TAG})}${fill(`b{background:url("data:image/svg+xml,%3Csvg xmlns='a'%3E")}`, length)}`,
    'an open address of escapes': length => `a{background:url(${TAG})}url(${fill('\\"', length)}`,
  },
  srcset: {
    commas: length => fill(',', length),
    'spaces and commas': length => fill(' ,', length),
    spaces: length => fill(' ', length),
    candidates: length => fill('a.png 2x,', length),
    'addresses of data': length => fill('data:image/png;base64,AAAA 1x,', length),
    'open brackets': length => `a.png ${fill('(', length)}`,
    'one address of commas': length => `a${fill(',', length)}b 1x`,
    'one descriptor': length => `a.png ${fill('x ', length)}`,
  },
  source: {
    images: length => fill(`<img src="${TAG}">`, length),
    spaces: length => `"${TAG}"${fill(' ', length)}`,
    'equals signs': length => `"${TAG}"${fill('=', length)}`,
    quotes: length => `"${TAG}"${fill('"', length)}`,
    brackets: length => `"${TAG}"${fill('(', length)}`,
    'backslashes and quotes': length => `"${TAG}" '${fill('\\"', length)}`,
    'a data address': length => `"${TAG}" "data:image/png;base64,${fill('A', length)}"`,
    'open comments': length => `"${TAG}" ${fill('/*', length)}`,
    'open page comments': length => `"${TAG}" ${fill('<!--', length)}`,
    'styles in strings': length => fill(`'a{background:url(${TAG})}';`, length),
    'one word': length => `"${TAG}" ${fill('a', length)}`,
    'one word of dots': length => `"${TAG}" ${fill('.png?', length)}`,
    'an open string': length => `"${TAG}" "${fill('x ', length)}`,
  },
  script: {
    'strings of markup': length => `f(${fill(`'<img src="./${TAG}">',`, length)})`,
    'strings of markup in a list': length => `f([${fill(`'<img src="./${TAG}">',`, length)}])`,
    'a sum of markup': length => `x=''${fill(`+'<img src="./${TAG}">'`, length)}`,
    'strings of styles': length => `f(${fill(`'a{background:url(./${TAG})}',`, length)})`,
    'a string of styles': length => `f('${fill(`a{background:url(./${TAG})}`, length)}')`,
    'a string of a srcset': length => `f('<img src="./${TAG}" srcset="${fill(',', length)}">')`,
    'a string of escaped markup': length => `f("${fill(`<img src=\\"./${TAG}\\">`, length)}")`,
    'strings of data': length => fill(`x='./${TAG}';y='data:image/png;base64,AAAA';`, length),
    'nested objects': length => `x=${fill('{a:', length)}'./${TAG}'`,
    'equals signs': length => `x='./${TAG}';${fill('=', length)}`,
    'a regular expression': length => `x='./${TAG}';/${fill('[a', length)}`,
    templates: length => fill(`f(\`<img src="./\${a}${TAG}">\`);`, length),
    'nested templates': length => `${fill('`${', length)}"./${TAG}"`,
    'tails of templates': length => fill(`load({},\`./\${a}/${TAG}\`,9);`, length),
    'tails in one call': length => `load(${fill(`\`./\${a}/${TAG}\`,9,`, length)})`,
    'nested evals': length => `eval("${fill(`x='./${TAG}';`, length)}")`,
    'an open string': length => `x='./${TAG}';"${fill('\\"', length)}`,
    'an open comment': length => `x='./${TAG}';/*${fill('* ', length)}`,
    'a long string': length => `x='./${TAG}';y="${fill('A', length)}"`,
    'a string of escapes': length => `x='./${TAG}';y="${fill('\\n', length)}"`,
    comments: length => `x='./${TAG}';${fill('/**/', length)}`,
    'open brackets': length => `x='./${TAG}';${fill('(', length)}`,
    'a tag that breaks off': length => `x = a + "?upscale ${fill('= ', length)}"`,
    'sums of rests': length => `x=a${fill(`+ ' src="./${TAG}">'`, length)}`,
  },
}

/** The processor's time of a reading, in ms; the least of three where it is over a limit, since others work on the machine. */
async function timeOf(reader, text, limit = Number.POSITIVE_INFINITY) {
  let least = Number.POSITIVE_INFINITY
  for (let turn = 0; turn === 0 || (turn < 3 && least > limit); turn++) {
    const started = process.cpuUsage()
    await reader(text)
    const { user, system } = process.cpuUsage(started)
    least = Math.min(least, (user + system) / 1000)
  }
  return least
}

let failures = 0
for (const [name, reader] of Object.entries(READERS)) {
  for (const [label, textOf] of Object.entries(TEXTS[name.split(' ')[0]])) {
    if (only !== undefined && !`${name}, ${label}`.includes(only)) continue
    const cells = []
    let before
    for (let length = largest / 16; length <= largest; length *= 2) {
      const text = textOf(length)
      const limit = before === undefined || before < SHORTEST_MS ? undefined : before * MOST_GROWTH
      let spent
      try {
        spent = await timeOf(reader, text, limit)
      } catch (error) {
        cells.push(`${(length / MB).toFixed(1)} MB: ${error.name} ${error.message}`)
        failures++
        break
      }
      const growth = limit === undefined ? undefined : spent / before
      if (growth !== undefined && growth > MOST_GROWTH) failures++
      cells.push(`${spent.toFixed(0)} ms${growth === undefined ? '' : ` ×${growth.toFixed(1)}`}`)
      before = spent
      if (spent > 20_000) {
        cells.push('too slow to go on')
        failures++
        break
      }
    }
    process.stdout.write(`${name}, ${label}: ${cells.join('  ')}\n`)
  }
}
process.exitCode = failures === 0 ? 0 : 1
