/*
 * What does the whole way cost over the engine's own work: starting, reading, decoding, encoding, keeping, writing? Four
 * photographs of a megapixel through the command with an empty cache, and through the built-in engine alone, in turns.
 *
 *     pnpm build && node test/bench/whole.mjs [rounds]      5
 *
 * Processor seconds a megapixel of the source, all threads counted, medians. Asserts nothing.
 */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { local } from 'upscale-local'

const sharp = createRequire(import.meta.url)('sharp')
const SELF = fileURLToPath(import.meta.url)
const COMMAND = fileURLToPath(new URL('../../packages/cli/bin/upscale.mjs', import.meta.url))
const PHOTOGRAPHS = fileURLToPath(new URL('../../packages/local/bench/sets/gb82', import.meta.url))
const [PICTURES, SIDE] = [4, 1000]
const WORK = [
  ['auto', 2],
  ['fast', 2],
  ['auto', 4],
]
const [first, ...others] = process.argv.slice(2)

if (first === '--alone') await enlarge(others[0], Number(others[1]))
else await measure(Number(first ?? 5))

async function measure(rounds) {
  const root = await mkdtemp(join(tmpdir(), 'upscale-whole-'))
  try {
    await paint(join(root, 'images'))
    const engines = JSON.stringify(import.meta.resolve('upscale-local'))
    const config = `import { local } from ${engines}
export default { engines: { fast: local({ model: 'fast' }), auto: local() } }`
    await writeFile(join(root, 'upscale.config.mjs'), config)
    console.log(
      `${PICTURES} photographs of ${SIDE} × ${SIDE}, Node ${process.versions.node}, ${rounds} rounds\n`,
    )
    console.log('| model, factor | the engine alone, CPU s | the whole way, CPU s | ratio |')
    console.log('| --- | --- | --- | --- |')
    for (const [model, factor] of WORK) {
      const [alone, whole] = [[], []]
      for (let round = 0; round < rounds; round++) {
        alone.push(Number(execFileSync(process.execPath, [SELF, '--alone', model, factor], { cwd: root })))
        whole.push(await spend(root, model, factor))
      }
      const [engine, all] = [median(alone), median(whole)]
      console.log(
        `| ${model}, ×${factor} | ${engine.toFixed(2)} | ${all.toFixed(2)} | ${(all / engine).toFixed(2)} |`,
      )
    }
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

async function paint(folder) {
  await mkdir(folder)
  const names = (await readdir(PHOTOGRAPHS)).filter(name => extname(name) !== '.md').sort()
  for (const name of names.slice(0, PICTURES)) {
    const photograph = sharp(join(PHOTOGRAPHS, name)).removeAlpha().resize(SIDE, SIDE)
    await photograph.png().toFile(join(folder, `${basename(name, extname(name))}.png`))
  }
}

/** The engine's own work on the pictures that lie decoded in memory. */
async function enlarge(model, scale) {
  const images = []
  for (const name of await readdir('images')) {
    const { data, info } = await sharp(join('images', name)).raw().toBuffer({ resolveWithObject: true })
    images.push({ data, width: info.width, height: info.height, channels: info.channels })
  }
  const engine = local({ model })
  const before = process.cpuUsage()
  for (const image of images)
    await engine.upscale({ image, scale, params: {} }, { signal: new AbortController().signal, env: {} })
  console.log(perMegapixel(process.cpuUsage(before)))
  await engine.close()
}

/** The command, from its start to its end. */
async function spend(root, engine, factor) {
  for (const name of ['out', 'node_modules', '.upscale'])
    await rm(join(root, name), { recursive: true, force: true })
  const file = join(root, 'usage.json')
  const hook =
    'import{writeFileSync}from"node:fs";process.on("exit",()=>' +
    `writeFileSync(${JSON.stringify(file)},JSON.stringify(process.cpuUsage())))`
  const flags = ['--import', `data:text/javascript,${encodeURIComponent(hook)}`]
  const args = ['images', '--out', 'out', '--engine', engine, '--factor', String(factor), '--quiet']
  execFileSync(process.execPath, [...flags, COMMAND, ...args], { cwd: root, stdio: 'ignore' })
  return perMegapixel(JSON.parse(await readFile(file, 'utf8')))
}

function perMegapixel({ user, system }) {
  return (user + system) / (PICTURES * SIDE ** 2)
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1]
}
