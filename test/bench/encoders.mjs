/*
 * What does an encoder's effort cost and bring? Prints a table of WebP and AVIF at each effort, at the quality that is
 * used where none is given: processor time a megapixel, bytes, and PSNR, the larger the better.
 *
 *     pnpm build && node test/bench/encoders.mjs [picture …]      the pictures of examples/static-site and examples/vite
 *
 * Each picture is enlarged twofold with `resize` first, since that is what these encoders are handed. Asserts nothing.
 */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { resize } from 'unplugin-upscale'

const sharp = createRequire(import.meta.url)('sharp')

const PICTURES = [
  'static-site/site/pictures/lake.jpg',
  'static-site/site/pictures/terrazzo.png',
  'static-site/site/pictures/chart.png',
  'astro/src/pictures/logo.png',
].map(path => fileURLToPath(new URL(`../../examples/${path}`, import.meta.url)))

const SETTINGS = [
  ...[0, 2, 3, 4, 5, 6].map(effort => ['webp', { quality: 82, smartSubsample: true, effort }]),
  ...[0, 1, 2, 3, 4].map(effort => ['avif', { quality: 60, effort }]),
]

const given = process.argv.slice(2)
const pictures = await Promise.all((given.length > 0 ? given : PICTURES).map(enlarge))
const megapixels = pictures.reduce((sum, { info }) => sum + (info.width * info.height) / 1e6, 0)
console.log(`${pictures.length} pictures, ${megapixels.toFixed(2)} megapixels`)
console.log('| format | effort | CPU s a megapixel | kB | dB |\n| --- | --- | --- | --- | --- |')
for (const [format, options] of SETTINGS) {
  const start = process.cpuUsage()
  const files = []
  for (const { data, info } of pictures)
    files.push(await sharp(data, { raw: info }).toColourspace('srgb').toFormat(format, options).toBuffer())
  const { user, system } = process.cpuUsage(start)
  const seconds = (user + system) / 1e6 / megapixels
  const kilobytes = files.reduce((sum, file) => sum + file.length, 0) / 1000
  const decibels = await Promise.all(files.map((file, index) => psnr(file, pictures[index])))
  const mean = decibels.reduce((sum, one) => sum + one, 0) / decibels.length
  console.log(
    `| ${format} | ${options.effort} | ${seconds.toFixed(2)} | ${kilobytes.toFixed(1)} | ${mean.toFixed(2)} |`,
  )
}

async function enlarge(file) {
  const { data, info } = await sharp(file)
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true })
  const { width, height, channels } = info
  const context = { signal: new AbortController().signal, env: {} }
  const larger = await resize.upscale(
    { image: { data, width, height, channels }, scale: 2, params: {} },
    context,
  )
  const { data: samples, ...size } = larger
  return { data: samples, info: size }
}

async function psnr(file, { data }) {
  const decoded = await sharp(file).removeAlpha().toColourspace('srgb').raw().toBuffer()
  let sum = 0
  for (let at = 0; at < data.length; at++) sum += (data[at] - decoded[at]) ** 2
  return 10 * Math.log10(255 ** 2 / (sum / data.length))
}
