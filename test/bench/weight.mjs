/*
 * How heavy is an enlarged file beside a true original of its size? Each picture is halved, enlarged twofold again, and
 * compared with itself, both written by the encoders of a build. Prints a table of bytes and ratios.
 *
 *     pnpm build && node test/bench/weight.mjs [picture …]      nine of examples/
 *
 * Asserts nothing.
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createUpscaler } from 'upscale-core'
import { local } from 'upscale-local'

const sharp = createRequire(import.meta.url)('sharp')
const PICTURES = [
  'webpack/src/pictures/lake.jpg',
  'webpack/src/pictures/scenes/dunes.jpg',
  'static-site/site/pictures/chart.png',
  'webpack/src/pictures/icon.png',
  'static-site/site/pictures/terrazzo.png',
  'webpack/src/pictures/logo.png',
  'webpack/src/pictures/editor.png',
  'webpack/src/pictures/map.png',
  'webpack/src/pictures/poster.png',
].map(name => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url)))

const given = process.argv.slice(2)
const root = await mkdtemp(join(tmpdir(), 'upscale-weight-'))
const upscaler = createUpscaler({ engine: 'local' }, { root, env: {}, engines: { local: local() } })
try {
  console.log(
    '| picture | half, as PNG | true original: PNG, WebP | enlarged: PNG, WebP | ratio of PNG | ratio of WebP |',
  )
  console.log('| --- | --- | --- | --- | --- | --- |')
  for (const [index, file] of (given.length > 0 ? given : PICTURES).entries())
    console.log(await row(file, index))
} finally {
  await upscaler.close()
  await rm(root, { recursive: true, force: true })
}

async function row(file, index) {
  const folder = join(root, String(index))
  await mkdir(folder)
  const { width, height } = await sharp(file).metadata()
  const region = { left: 0, top: 0, width: width - (width % 2), height: height - (height % 2) }
  const whole = await sharp(file).extract(region).png().toBuffer()
  const half = join(folder, 'half.png')
  await sharp(whole)
    .resize(region.width / 2, region.height / 2, { kernel: 'lanczos3' })
    .png({ compressionLevel: 9 })
    .toFile(half)
  const truth = [
    await smallestPng(whole),
    await lengthOf(sharp(whole).webp({ quality: 82, smartSubsample: true })),
  ]
  const made = []
  for (const format of ['png', 'webp']) made.push((await upscaler.upscale(half, { factor: 2, format })).size)
  const ratio = at => (made[at] / truth[at]).toFixed(2)
  const size = (await readFile(half)).length
  return `| ${basename(file)} | ${size} | ${truth.join(', ')} | ${made.join(', ')} | ${ratio(0)} | ${ratio(1)} |`
}

async function smallestPng(whole) {
  const ways = [true, false].map(adaptiveFiltering =>
    lengthOf(sharp(whole).png({ compressionLevel: 9, adaptiveFiltering })),
  )
  return Math.min(...(await Promise.all(ways)))
}

async function lengthOf(image) {
  return (await image.toBuffer()).length
}
