import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'

const TEXTS = {
  'package.json': '{ "type": "module", "private": true }\n',
  'index.html':
    '<!doctype html><script type="module" src="./main.js"></script><img src="./hero.png?upscale=2&format=webp">\n',
  'main.js':
    "import two from './hero.png?upscale=2'\nimport three from './hero.png?upscale=3'\ndocument.title = two + three\n",
}

/** A page that shows `hero.png` in three ways, and a picture `other.png` to take its place. */
export async function makeSite(root) {
  mkdirSync(root, { recursive: true })
  for (const [name, text] of Object.entries(TEXTS)) writeFileSync(join(root, name), text)
  await sharp(pixels(7), RAW).png().toFile(join(root, 'hero.png'))
  await sharp(pixels(9), RAW).png().toFile(join(root, 'other.png'))
}

const [WIDTH, HEIGHT, CHANNELS] = [64, 48, 3]
const RAW = { raw: { width: WIDTH, height: HEIGHT, channels: CHANNELS } }

/** Waves with some noise: neither flat nor without structure. */
function pixels(seed) {
  let state = seed
  return Uint8Array.from({ length: WIDTH * HEIGHT * CHANNELS }, (_, at) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return 128 + 64 * Math.sin(at / 40) + (state >>> 27)
  })
}
