/**
 * Draws the pictures of the examples at their true, small size. The results are committed, because type looks
 * different where the fonts (Inter, Fira Code) are missing:
 *
 *     node examples/pictures/make.mjs
 *
 * The same files go to every example, so that each one is complete by itself; those of frameworks get four of them.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { chart, editor, icon, logo, map, poster, terrazzo } from './drawings.mjs'
import { clamp } from './noise.mjs'
import { dunes, lake, night } from './scenes.mjs'

const FOLDERS = ['../vite/src/pictures/', '../webpack/src/pictures/']

const FRAMEWORKS = {
  folders: [
    '../astro/src/pictures/',
    '../esbuild/src/pictures/',
    '../next/app/pictures/',
    '../nuxt/app/pictures/',
    '../rsbuild/src/pictures/',
    '../sveltekit/src/lib/pictures/',
    '../vite-react/src/pictures/',
    '../vite-vue/src/pictures/',
    '../vitepress/docs/pictures/',
  ],
  pictures: ['chart.png', 'logo.png', 'scenes/dunes.jpg', 'terrazzo.png'],
}

/** Hosts that are shown by one picture. */
const SINGLES = {
  folders: [
    '../bun/src/',
    '../electron-vite/src/renderer/',
    '../jest/src/',
    '../laravel/resources/images/',
    '../react-router/app/',
    '../storybook/src/',
    '../tanstack-start/src/',
    '../vitest/src/',
  ],
  pictures: ['terrazzo.png'],
}

const pictures = {
  'lake.jpg': photograph(lake, 600, 375).then(image => image.jpeg({ quality: 88, mozjpeg: true })),
  'scenes/dunes.jpg': photograph(dunes, 300, 200).then(image => image.jpeg({ quality: 88, mozjpeg: true })),
  'scenes/night.webp': photograph(night, 300, 200).then(image => image.webp({ quality: 88 })),
  'poster.png': drawing(poster()),
  'chart.png': drawing(chart()),
  'editor.png': drawing(editor()),
  'map.png': drawing(map()),
  'terrazzo.png': drawing(terrazzo()),
  'logo.png': drawing(logo),
  'icon.png': drawing(icon),
}

for (const [name, picture] of Object.entries(pictures)) {
  const { data, info } = await (await picture).toBuffer({ resolveWithObject: true })
  for (const folder of FOLDERS) await write(new URL(folder + name, import.meta.url), data)
  for (const { folders, pictures: own } of [FRAMEWORKS, SINGLES]) {
    if (!own.includes(name)) continue
    for (const folder of folders) await write(new URL(folder + basename(name), import.meta.url), data)
  }
  console.log(`${name.padEnd(18)} ${info.width} × ${info.height} px ${String(data.length).padStart(7)} bytes`)
}

/** Renders a scene with four times the pixels and brings it down, as a camera would. */
async function photograph(scene, width, height) {
  const fine = 2
  const pixels = Buffer.alloc(width * fine * height * fine * 3)
  for (let row = 0, at = 0; row < height * fine; row++) {
    for (let column = 0; column < width * fine; column++) {
      for (const value of scene(column / (height * fine), row / (height * fine))) {
        pixels[at++] = Math.round(clamp(value, 0, 255))
      }
    }
  }
  const raw = { width: width * fine, height: height * fine, channels: 3 }
  return sharp(await sharp(pixels, { raw }).resize(width, height).png().toBuffer())
}

async function drawing({ svg }) {
  return sharp(Buffer.from(svg)).png({ compressionLevel: 9 })
}

async function write(url, data) {
  const file = fileURLToPath(url)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, data)
}
