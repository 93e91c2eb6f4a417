// Prints a digest of what the built engine makes of each golden input, and of a picture that both kinds of network share,
// one a line. The lines are the same on every machine; `pnpm test:arm64` compares two.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { local } from '../dist/index.mjs'

const golden = new URL('../weights/golden/', import.meta.url)
const engine = local({ threads: 1 })
const context = { signal: new AbortController().signal, env: {} }

async function print(name, image, scale, params) {
  const { data } = await engine.upscale({ image, scale, params }, context)
  process.stdout.write(`${createHash('sha256').update(data).digest('hex').slice(0, 32)} ${name}\n`)
}

for (const file of readdirSync(golden).filter(name => name.endsWith('.json'))) {
  const [model, scale] = file.replace('.json', '').split('-x')
  for (const { name, width, height, input } of JSON.parse(readFileSync(new URL(file, golden), 'utf8'))
    .cases) {
    const image = { data: Uint8Array.from(input), width, height, channels: 3 }
    await print(`${file} ${name}`, image, Number(scale), { model })
  }
}

const [width, height] = [96, 64]
const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
  const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)]
  return x < 48
    ? x % 7 < 3 && y % 11 < 6
      ? 30
      : 240
    : (x * x + 3 * y * y + (Math.imul(i, 40503) >>> 7)) & 255
})
await print('auto', { data, width, height, channels: 3 }, 2, {})
await engine.close()
