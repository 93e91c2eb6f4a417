/*
 * How much does a build with 1,000 cached tagged images cost beside the same build with the finished files imported
 * plainly? Prints both medians and their ratio, and whether sharp or undici were loaded. Asserts nothing: a shared
 * machine's clock is no test.
 *
 *     pnpm build && node test/bench/cached-build.mjs [images] [rounds]
 */
import { execFileSync } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SELF = fileURLToPath(import.meta.url)
const [, , first, ...others] = process.argv

if (first === '--build') await buildOnce(others[0], others[1] === 'tagged')
else await measure(Number(first ?? 1000), Number(others[0] ?? 7))

/** Runs in a process of its own, so that no build profits from the one before. */
async function buildOnce(root, isTagged) {
  const { build } = await import('vite')
  const { default: upscale } = await import('unplugin-upscale/vite')
  let report
  const plugins = isTagged ? [upscale({ engine: 'resize', onReport: one => (report = one) })] : []
  const start = performance.now()
  const cpuAtStart = process.cpuUsage()
  await build({
    root,
    configFile: false,
    logLevel: 'silent',
    plugins,
    build: { reportCompressedSize: false },
  })
  const milliseconds = performance.now() - start
  const { user, system } = process.cpuUsage(cpuAtStart)
  const libraries = process.report.getReport().sharedObjects.filter(path => /sharp|libvips/.test(path))
  const modules = Object.keys(createRequire(SELF).cache)
  const loaded = [
    libraries.length > 0 && 'sharp',
    modules.some(path => /[\\/]undici[\\/]/.test(path)) && 'undici',
  ]
  const engineCalls = report?.images.filter(image => image.origin === 'engine').length ?? 0
  console.log(
    JSON.stringify({
      milliseconds,
      cpu: (user + system) / 1000,
      loaded: loaded.filter(Boolean),
      engineCalls,
    }),
  )
}

async function measure(images, rounds) {
  const root = await mkdtemp(join(tmpdir(), 'upscale-bench-'))
  try {
    const tagged = join(root, 'tagged')
    const plain = join(root, 'plain')
    await writeTagged(tagged, images)
    console.log(`first build, ${images} images: ${Math.round(run(tagged, true).milliseconds)} ms`)
    await writePlain(plain, tagged, images)
    run(plain, false)
    const runs = { plain: [], tagged: [] }
    for (let round = 0; round < rounds; round++) {
      runs.plain.push(run(plain, false))
      runs.tagged.push(run(tagged, true))
    }
    print('time, ms', runs, one => one.milliseconds)
    print('processor time, ms', runs, one => one.cpu)
    const loaded = [...new Set(runs.tagged.flatMap(one => one.loaded))]
    const calls = runs.tagged.reduce((sum, one) => sum + one.engineCalls, 0)
    console.log(`engine calls: ${calls}; loaded: ${loaded.join(' and ') || 'neither sharp nor undici'}`)
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

function run(root, isTagged) {
  const output = execFileSync(process.execPath, [SELF, '--build', root, isTagged ? 'tagged' : 'plain'])
  return JSON.parse(output.toString().trim().split('\n').at(-1))
}

/** A page with pictures of about the size of thumbnails, each with content of its own. */
async function writeTagged(root, images) {
  const { default: sharp } = await import('sharp')
  await writePage(root, images, index => `./img/picture-${index}.png?upscale=2`)
  for (let index = 0; index < images; index++) {
    const hue = (index * 137) % 360
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="160" height="100">
      <defs><linearGradient id="g"><stop stop-color="hsl(${hue},80%,50%)"/>
      <stop offset="1" stop-color="hsl(${(hue + 90) % 360},70%,30%)"/></linearGradient></defs>
      <rect width="160" height="100" fill="url(#g)"/><circle cx="${20 + (index % 120)}" cy="50" r="30" fill="white"/>
      <path d="M0 ${index % 100}L160 ${(index * 7) % 100}" stroke="black"/></svg>`
    await sharp(Buffer.from(svg))
      .png()
      .toFile(join(root, 'img', `picture-${index}.png`))
  }
}

/** The same page, with the files that the first build wrote under the same names. */
async function writePlain(root, tagged, images) {
  await writePage(root, images, index => `./img/picture-${index}-2x.png`)
  for (const name of await readdir(join(tagged, 'dist/assets'))) {
    const match = /^(picture-\d+-2x)-.*\.png$/.exec(name)
    if (match) await copyFile(join(tagged, 'dist/assets', name), join(root, 'img', `${match[1]}.png`))
  }
}

async function writePage(root, images, referenceOf) {
  await mkdir(join(root, 'img'), { recursive: true })
  const indices = Array.from({ length: images }, (_, index) => index)
  const imports = indices.map(index => `import image${index} from '${referenceOf(index)}'`)
  const list = `document.body.dataset.images = [${indices.map(index => `image${index}`).join(', ')}].join()`
  await writeFile(join(root, 'main.js'), [...imports, list, ''].join('\n'))
  await writeFile(
    join(root, 'index.html'),
    '<!doctype html><script type="module" src="./main.js"></script>\n',
  )
}

function print(title, runs, pick) {
  const [plain, tagged] = [runs.plain, runs.tagged].map(list => list.map(pick))
  const each = `plain ${plain.map(Math.round).join(' ')} | tagged ${tagged.map(Math.round).join(' ')}`
  const [without, withPlugin] = [median(plain), median(tagged)]
  console.log(
    `${title}: finished files imported plainly ${Math.round(without)}, tagged and cached ${Math.round(withPlugin)}`,
  )
  console.log(`  ratio ${(withPlugin / without).toFixed(3)} (${each})`)
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}
