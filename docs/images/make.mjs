/**
 * Makes the README's picture: details of the example's own pictures, enlarged three times by plain bicubic
 * interpolation, as a browser does, and the same details upscaled by the local engine first. After a build:
 *
 *     pnpm build && node docs/images/make.mjs
 */
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { createUpscaler } from '../../packages/core/dist/index.mjs'
import { local } from '../../packages/local/dist/index.mjs'

const SHOWN = 3
const GAP = 16
const LABEL = 36
const [WIDTH, HEIGHT] = [132, 100]

/** Picture, and the corner of the detail in it. */
const details = [
  ['poster.png', 24, 444],
  ['editor.png', 130, 120],
  ['lake.jpg', 300, 150],
]

const root = fileURLToPath(new URL('../../examples/vite/', import.meta.url))
const pictures = `${root}src/pictures/`
const upscaler = createUpscaler({ root }, { engines: { local: local() } })
const pieces = []
for (const [column, [name, left, top]] of details.entries()) {
  const { file } = await upscaler.upscale(pictures + name, { factor: 2, format: 'png' })
  const at = GAP + column * (WIDTH * SHOWN + GAP)
  pieces.push({ input: await detail(pictures + name, left, top, 1), left: at, top: LABEL })
  pieces.push({ input: await detail(file, left, top, 2), left: at, top: 2 * LABEL + HEIGHT * SHOWN })
}
await upscaler.close()

const width = GAP + details.length * (WIDTH * SHOWN + GAP)
const height = 2 * (LABEL + HEIGHT * SHOWN) + GAP
const label = (text, y) =>
  `<text x='${GAP}' y='${y}' font-family='Fira Code, DejaVu Sans Mono, monospace' font-size='17' font-weight='500' fill='#16181f'>${text}</text>`
const frame = `<svg xmlns='http://www.w3.org/2000/svg' width='${width}' height='${height}'>
  <rect width='${width}' height='${height}' rx='14' fill='#f6f5f1'/>
  ${label("import image from './image.png'", 24)}
  ${label("import image from './image.png?upscale=2'", LABEL + HEIGHT * SHOWN + 24)}
</svg>`
await sharp(Buffer.from(frame))
  .composite(pieces)
  .webp({ quality: 92 })
  .toFile(fileURLToPath(new URL('before-after.webp', import.meta.url)))

async function detail(file, left, top, scale) {
  return sharp(file)
    .extract({ left: left * scale, top: top * scale, width: WIDTH * scale, height: HEIGHT * scale })
    .resize(WIDTH * SHOWN, HEIGHT * SHOWN, { kernel: 'cubic' })
    .png()
    .toBuffer()
}
