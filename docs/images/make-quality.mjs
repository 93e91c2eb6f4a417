/**
 * Makes the pictures of the page on quality: details of photographs of the public benchmark, halved and then enlarged
 * by bicubic interpolation and by the local engine, beside what they were. After a build:
 *
 *     pnpm build && node docs/images/make-quality.mjs
 */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { decode, encode } from '../../packages/local/bench/pictures.mjs'
import { bicubic } from '../../packages/local/bench/resample.mjs'
import { local } from '../../packages/local/dist/index.mjs'

const SCALE = 2
const SHOWN = 3
const GAP = 12
const LABEL = 32
const [WIDTH, HEIGHT] = [110, 72]
const COLUMNS = ['the photograph', 'halved, bicubic', 'halved, local']

/** Photograph, and the corner of the detail in it. */
const FILES = {
  'quality-lines.webp': [
    ['night', 350, 322],
    ['prudential', 214, 156],
    ['guitar', 228, 20],
  ],
  'quality-textures.webp': [
    ['grass', 240, 300],
    ['dog', 330, 380],
    ['sand', 250, 150],
  ],
}

const engine = local()
const context = { signal: new AbortController().signal, env: {} }
for (const [file, details] of Object.entries(FILES)) {
  const pieces = []
  for (const [row, [name, left, top]] of details.entries()) {
    const path = `../../packages/local/bench/sets/gb82/${name}-lossless.png`
    const truth = await decode(await readFile(new URL(path, import.meta.url)))
    const half = bicubic(truth, truth.width / SCALE, truth.height / SCALE)
    const larger = await engine.upscale({ image: half, scale: SCALE, params: {} }, context)
    const shown = [truth, bicubic(half, truth.width, truth.height), larger]
    for (const [column, picture] of shown.entries()) {
      pieces.push({
        input: await detail(picture, left, top),
        left: GAP + column * (WIDTH * SHOWN + GAP),
        top: LABEL + row * (HEIGHT * SHOWN + GAP),
      })
    }
  }
  await sharp(Buffer.from(frame(details.length)))
    .composite(pieces)
    .webp({ quality: 90 })
    .toFile(fileURLToPath(new URL(file, import.meta.url)))
}
await engine.close()

function frame(rows) {
  const width = GAP + COLUMNS.length * (WIDTH * SHOWN + GAP)
  const height = LABEL + rows * (HEIGHT * SHOWN + GAP)
  const label = (text, column) =>
    `<text x='${GAP + column * (WIDTH * SHOWN + GAP)}' y='22' font-family='Fira Code, DejaVu Sans Mono, monospace' font-size='15' fill='#16181f'>${text}</text>`
  return `<svg xmlns='http://www.w3.org/2000/svg' width='${width}' height='${height}'>
    <rect width='${width}' height='${height}' rx='14' fill='#f6f5f1'/>${COLUMNS.map(label).join('')}</svg>`
}

async function detail(picture, left, top) {
  return sharp(await encode(picture))
    .extract({ left, top, width: WIDTH, height: HEIGHT })
    .resize(WIDTH * SHOWN, HEIGHT * SHOWN, { kernel: 'nearest' })
    .png()
    .toBuffer()
}
