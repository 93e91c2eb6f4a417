/*
 * Who holds the event loop, and for how long? Real builds, dev servers, commands and gateways, each in a process of its own
 * that `held/probe.mjs` watches, in situations that are larger than usual.
 *
 *     pnpm bench:held [situations by a part of their name …] [--keep]
 *
 * A line a situation: the longest hold, and the longest in frames of ours, in milliseconds; then the places of each hold in
 * which we take more than 50 ms. Use Node 24: older ones tell no processor time of a thread, and by the clock of a machine
 * that does other things as well everything takes long. The profiler itself takes some time, too. Asserts nothing.
 */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs, stripVTControlCharacters } from 'node:util'
import { longManifest } from './long-manifest.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { keep: { type: 'boolean', default: false } },
})
const MOST_OURS_MS = 50
const PROBE = new URL('held/probe.mjs', import.meta.url).href
const require = createRequire(import.meta.url)
const sharp = require('sharp')
const fileOf = specifier => fileURLToPath(import.meta.resolve(specifier))
const VITE = join(fileOf('vite/package.json'), '../bin/vite.js')
const UPSCALE = fileURLToPath(new URL('../../packages/cli/bin/upscale.mjs', import.meta.url))
const PLUGIN = import.meta.resolve('unplugin-upscale/vite')
const PAID_ENGINE = new URL('paid-engine.mjs', import.meta.url).href
const OPTIONS = `engine: 'resize', maxPixels: 2 ** 27`

/** What a situation is about, and what is done with it, one after the other. */
const SITUATIONS = {
  '1,000 pictures, Vite': [root => small(root, 1000), ['uncached', build], ['cached', build]],
  '1,000 pictures, upscale run': [root => small(root, 1000), ['uncached', run], ['cached', run]],
  '1,000 pictures, local engine, upscale run': [
    root => small(root, 1000),
    ['uncached', root => run(root, 'local')],
  ],
  '100 pictures, gateway': [root => small(root, 100), ['uncached', serve], ['cached', serve]],
  '4096 × 4096, Vite': [large, ['uncached', build], ['cached', build]],
  '4096 × 4096, upscale run': [large, ['uncached', run]],
  '4096 × 4096, gateway': [large, ['uncached', serve]],
  '4096 × 4096, dev server': [large, ['first', dev]],
  '300 pictures of a page, dev server': [root => small(root, 300), ['first', dev], ['again', dev]],
  'a list of 200,000, Vite': [longList, ['uncached', build], ['cached', build]],
  'a list of 200,000, upscale run': [longList, ['uncached', buy]],
  'a list of 200,000, gateway': [longList, ['first', serve]],
  'a list of 200,000, dev server': [longList, ['first', dev]],
  'a style sheet of 16 MB, Vite': [longSheet, ['uncached', build]],
  'a style sheet of 16 MB, dev server': [longSheet, ['first', dev]],
  'a style sheet of 16 MB, upscale html': [longSheet, ['first', html]],
  'a broken JPEG of 56 MB, Vite': [brokenJpeg, ['first', build]],
  'a broken JPEG of 56 MB, dev server': [brokenJpeg, ['first', dev]],
  'a broken JPEG of 56 MB, gateway': [brokenJpeg, ['first', serve]],
  '20,000 sources, upscale plan': [manySources, ['first', plan]],
  '20,000 sources, Vite': [manySources, ['first', build]],
  '20,000 sources, dev server': [manySources, ['first', dev]],
}

console.log(`Node ${process.versions.node}\n`)
console.log('| situation | longest hold | longest of ours |\n| --- | --- | --- |')
const details = []
for (const [name, [prepare, ...steps]] of Object.entries(SITUATIONS)) {
  if (positionals.length > 0 && !positionals.some(part => name.includes(part))) continue
  const root = await mkdtemp(join(tmpdir(), 'upscale-held-'))
  try {
    await prepare(root)
    for (const [step, act] of steps) {
      const seen = await watched(root, () => act(root))
      tell(`${name}, ${step}`, seen)
    }
  } finally {
    if (values.keep) console.log(root)
    else await rm(root, { recursive: true, force: true })
  }
}
console.log(details.join('\n'))

/** What the process saw that an act started; of a server, since it listens. */
async function watched(root, act) {
  const out = join(root, 'held')
  await rm(out, { recursive: true, force: true })
  await mkdir(out)
  const { outcome, readyAt = 0 } = await act()
  const seen = await Promise.all(
    (await readdir(out)).map(async name => JSON.parse(await readFile(join(out, name)))),
  )
  return { outcome, holds: seen.flatMap(({ holds }) => holds).filter(({ endedAt }) => endedAt > readyAt) }
}

function tell(name, { outcome, holds }) {
  const longest = [...holds].sort((one, other) => other.cpuMs - one.cpuMs)[0]
  const ours = [...holds].sort((one, other) => other.oursMs - one.oursMs)[0]
  const text = ms => (ms === undefined ? 'none over 50' : ms.toFixed(0))
  const whose = longest === undefined ? '' : ` (${placeText(longest.places[0])})`
  console.log(`| ${name}${outcome} | ${text(longest?.cpuMs)}${whose} | ${text(ours?.oursMs)} |`)
  const tooLong = holds.filter(({ oursMs }) => oursMs > MOST_OURS_MS)
  if (tooLong.length === 0) return
  details.push(`\n${name}: ${tooLong.length} holds with more than ${MOST_OURS_MS} ms of ours`)
  for (const { cpuMs, oursMs, places } of tooLong.sort((a, b) => b.oursMs - a.oursMs).slice(0, 5)) {
    details.push(`  ${cpuMs.toFixed(0)} ms, ${oursMs.toFixed(0)} ms of it ours`)
    for (const place of places) details.push(`    ${place.ms.toFixed(0).padStart(6)} ${placeText(place)}`)
  }
}

function placeText({ place } = { place: 'nothing seen' }) {
  return place
}

async function small(root, count) {
  const names = []
  await mkdir(join(root, 'img'))
  for (let number = 0; number < count; number++) {
    const hue = (number * 137) % 360
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="320" height="200">
      <filter id="f"><feTurbulence type="fractalNoise" baseFrequency="0.02" numOctaves="3" seed="${number + 1}"/></filter>
      <rect width="100%" height="100%" fill="hsl(${hue},60%,50%)"/>${number % 3 === 2 ? '<circle cx="160" cy="100" r="60"/>' : '<rect width="100%" height="100%" filter="url(#f)"/>'}</svg>`
    names.push(`${number}.png`)
    await sharp(Buffer.from(svg))
      .removeAlpha()
      .png()
      .toFile(join(root, 'img', `${number}.png`))
  }
  await writeProject(root, names)
}

async function large(root) {
  await mkdir(join(root, 'img'))
  await noise(4096)
    .png()
    .toFile(join(root, 'img', 'large.png'))
  await writeProject(root, ['large.png'])
}

function noise(side) {
  return sharp({
    create: {
      width: side,
      height: side,
      channels: 3,
      noise: { type: 'gaussian', mean: 120, sigma: 8 },
    },
  })
}

async function longList(root) {
  await small(root, 20)
  await writeProject(
    root,
    Array.from({ length: 20 }, (_, number) => `${number}.png`),
    'engine: paidEngine, budget: 10, frozen: false',
  )
  await mkdir(join(root, '.upscale'))
  await writeFile(join(root, '.upscale', 'manifest.json'), longManifest(200_000))
}

async function longSheet(root) {
  await small(root, 1)
  const rules = []
  for (let length = 0, number = 0; length < 16_000_000; number++) {
    // More addresses are too much for Vite alone, which opens the file of each.
    const picture = number % 2000 === 0 ? 'background:url(./img/0.png?upscale=2)' : 'border:0 solid #fff'
    rules.push(`.c${number}{color:#fff;width:${number % 999}px;${picture}}\n`)
    length += rules.at(-1).length
  }
  await writeFile(join(root, 'long.css'), rules.join(''))
  await writeFile(join(root, 'main.js'), `import './long.css'\n`)
  await mkdir(join(root, 'site', 'img'), { recursive: true })
  await writeFile(join(root, 'site', 'long.css'), rules.join(''))
  await writeFile(join(root, 'site', 'img', '0.png'), await readFile(join(root, 'img', '0.png')))
  await writeFile(
    join(root, 'site', 'index.html'),
    '<link rel=stylesheet href=long.css><img class=c9 src=img/0.png>',
  )
}

async function brokenJpeg(root) {
  await mkdir(join(root, 'img'))
  // Bytes before a marker, and a part of its end is gone.
  const whole = await noiseOf(4096).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer()
  const broken = Buffer.concat([whole.subarray(0, 20), Buffer.alloc(9), whole.subarray(20, -4000)])
  await writeFile(join(root, 'img', 'broken.jpg'), broken)
  await writeProject(root, ['broken.jpg'])
}

/** Noise that a JPEG takes as many bytes for as can be. */
function noiseOf(side) {
  const create = {
    width: side,
    height: side,
    channels: 3,
    noise: { type: 'gaussian', mean: 128, sigma: 100 },
  }
  return sharp({ create })
}

async function manySources(root) {
  await small(root, 20)
  for (let folder = 0; folder < 100; folder++) {
    await mkdir(join(root, 'src', `${folder}`), { recursive: true })
    for (let number = 0; number < 200; number++) {
      const lines = Array.from({ length: 40 }, (_, line) => `export const a${line} = '${number} ${line}'`)
      const picture =
        number % 20 === 0 ? `export { default } from '../../img/${number % 20}.png?upscale=2'` : ''
      await writeFile(join(root, 'src', `${folder}`, `${number}.ts`), [...lines, picture].join('\n'))
    }
  }
}

/** A page that shows all pictures, and the same options for Vite and for the command. */
async function writeProject(root, names, options = OPTIONS) {
  const imports = names.map((name, at) => `import image${at} from './img/${name}?upscale=2'`)
  const list = `document.body.dataset.images = [${names.map((_, at) => `image${at}`).join(', ')}].join()`
  await writeFile(join(root, 'main.js'), [...imports, list, ''].join('\n'))
  await writeFile(join(root, 'index.html'), '<!doctype html><script type=module src=./main.js></script>\n')
  const engine = `import { paidEngine } from '${PAID_ENGINE}'\nvoid paidEngine\n`
  await writeFile(
    join(root, 'vite.config.mjs'),
    `${engine}import upscale from '${PLUGIN}'\nexport default {
      plugins: [upscale({ ${options}, dev: 'full' })],
      build: { reportCompressedSize: false, assetsInlineLimit: 0 },
      logLevel: 'error',
    }\n`,
  )
  await writeFile(
    join(root, 'upscale.config.mjs'),
    `${engine}export default { ${options}, rules: [{ shown: true }] }\n`,
  )
}

function start(root, args) {
  return spawn(process.execPath, ['--import', PROBE, ...args], {
    cwd: root,
    env: { ...process.env, HELD_OUT: join(root, 'held'), CI: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Runs to its end. @returns what to say of an end that is none of success */
async function finish(root, args) {
  const child = start(root, args)
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', text => (said += text))
  const code = await new Promise(resolve => child.on('close', resolve))
  if (code === 0) return { outcome: '' }
  const [, error] = /\b([A-Z]{3,}(?:_[A-Z]+)+)\b/.exec(said) ?? []
  return { outcome: ` (ended with ${error ?? `${code}: ${said.slice(-300)}`})` }
}

function build(root) {
  return finish(root, [VITE, 'build', '--configLoader', 'native'])
}

function run(root, engine = 'resize') {
  return finish(root, [UPSCALE, 'run', 'img', '--out', 'out', '--quiet', '--engine', engine])
}

function buy(root) {
  return finish(root, [UPSCALE, 'run', 'img', '--out', 'out', '--quiet'])
}

function plan(root) {
  return finish(root, [UPSCALE, 'plan', '--quiet'])
}

function html(root) {
  return finish(root, [UPSCALE, 'html', 'site', '--quiet'])
}

/** What a page does: it asks for the modules, and then for the pictures. */
async function dev(root) {
  const child = start(root, [VITE, '--configLoader', 'native', '--port', '0', '--logLevel', 'info'])
  const address = await lineOf(child, /http:\/\/[^\s/]+:\d+\//)
  const readyAt = Date.now()
  const get = async (path, accept = '*/*') => {
    const response = await fetch(new URL(path, address), { headers: { accept } })
    return { text: await response.text(), status: response.status }
  }
  await get('/', 'text/html')
  const main = await get('/main.js')
  const modules = [...main.text.matchAll(/from "([^"]+)"|import "([^"]+)"/g)].map(
    ([, one, other]) => one ?? other,
  )
  const texts = await Promise.all(modules.map(path => get(path)))
  const pictures = texts.flatMap(({ text }) => /export default "([^"]+)"/.exec(text)?.[1] ?? [])
  let statuses = await Promise.all(pictures.map(path => get(path, 'image/*')))
  // The engine goes on after the placeholders.
  await sleep(3000)
  statuses = await Promise.all(pictures.map(path => get(path, 'image/*')))
  await end(child)
  const wrong = statuses.filter(({ status }) => status !== 200).length
  return { outcome: wrong === 0 ? '' : ` (${wrong} pictures refused)`, readyAt }
}

/** Four clients, each of which sends a picture after the other. */
async function serve(root) {
  const child = start(root, [UPSCALE, 'serve', '--port', '0'])
  const address = await lineOf(child, /http:\/\/\S+/)
  const readyAt = Date.now()
  const names = await readdir(join(root, 'img'))
  const models = await (await fetch(`${address}/models`)).json()
  const model = models.data?.[0]?.id ?? 'resize'
  const refusals = new Set()
  const client = async () => {
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      const form = new FormData()
      form.set('model', model)
      form.set('image', new Blob([await readFile(join(root, 'img', name))]), name)
      const response = await fetch(`${address}/images/edits`, { method: 'POST', body: form })
      const answer = await response.text()
      if (!response.ok) refusals.add(JSON.parse(answer).error?.code ?? response.status)
    }
  }
  await Promise.all(Array.from({ length: 4 }, client))
  await end(child)
  return { outcome: refusals.size === 0 ? '' : ` (refused: ${[...refusals].join(', ')})`, readyAt }
}

async function end(child) {
  const ended = new Promise(resolve => child.on('close', resolve))
  child.kill('SIGUSR2')
  await ended
}

function lineOf(child, pattern) {
  let said = ''
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', text => {
        said += stripVTControlCharacters(String(text))
        const found = pattern.exec(said)?.[0]
        if (found !== undefined) resolve(found)
      })
    }
    child.on('close', code => reject(new Error(`ended with ${code}: ${said}`)))
  })
}
