/*
 * What does a purchase cost when very many were made before?
 *
 *     pnpm bench:long-list [lines] [pictures] [rounds]      200000 40 3
 *
 * Pictures are bought of a service that answers at once, so that nothing is measured but this package: with an empty list
 * of paid answers (manifest.json), and with one of so many lines. Each round is a process of its own with a cache of
 * its own, and counts from its first import to its end. Asserts nothing.
 */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { longManifest } from './long-manifest.mjs'
import { paidEngine } from './paid-engine.mjs'

const SELF = fileURLToPath(import.meta.url)
const CORE = new URL('../../packages/core/dist/index.mjs', import.meta.url)
const { default: sharp } = await import(pathToFileURL(createRequire(CORE).resolve('sharp')).href)

const [first, second, third] = process.argv.slice(2)
if (first === '--buy') await buy(second, Number(third))
else await measure(Number(first ?? 200_000), Number(second ?? 40), Number(third ?? 3))

async function measure(lines, pictures, rounds) {
  const times = new Map([0, lines].map(count => [count, []]))
  for (let round = 0; round < rounds; round++)
    for (const [count, seconds] of times) seconds.push(await timeOf(count, pictures))
  const [[, empty], [, long]] = times
  for (const [count, seconds] of times)
    console.log(
      `${String(count).padStart(8)} lines: ${seconds.map(one => `${one.toFixed(2)} s`).join(', ')} for ${pictures} pictures`,
    )
  console.log(
    `median of the long list: ${(median(long) / median(empty)).toFixed(2)} times that of the empty one`,
  )
}

async function timeOf(lines, pictures) {
  const root = await mkdtemp(join(tmpdir(), 'upscale-list-'))
  try {
    await mkdir(join(root, '.upscale'))
    if (lines > 0) await writeFile(join(root, '.upscale', 'manifest.json'), longManifest(lines))
    for (let number = 0; number < pictures; number++) await paint(join(root, `${number}.png`), number)
    const start = performance.now()
    await run([SELF, '--buy', root, String(pictures)])
    const seconds = (performance.now() - start) / 1000
    const bought = JSON.parse(await readFile(join(root, '.upscale', 'manifest.json'), 'utf8'))
    const expected = lines + pictures + 1
    if (Object.keys(bought).length !== expected) throw new Error('the list is not what it should be')
    return seconds
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

/** A picture that is like no other of its numbers. */
async function paint(file, number) {
  const shades = Buffer.from(
    Array.from({ length: 64 * 48 * 3 }, (_, at) => (Math.floor(at / 3) % 64) * 3 + (number % 60)),
  )
  await sharp(shades, { raw: { width: 64, height: 48, channels: 3 } })
    .png()
    .toFile(file)
}

async function buy(root, pictures) {
  const { createUpscaler } = await import(CORE.href)
  const upscaler = createUpscaler(
    { engine: paidEngine, budget: 1000, frozen: false, concurrency: 4 },
    { root, env: {} },
  )
  const names = Array.from({ length: pictures }, (_, number) => `${number}.png`)
  await Promise.all(names.map(name => upscaler.upscale(name, { factor: 2 })))
  await upscaler.close()
}

async function run(args) {
  const child = spawn(process.execPath, args, { stdio: 'inherit' })
  const code = await new Promise(resolve => child.on('exit', resolve))
  if (code !== 0) throw new Error(`exit code ${code}`)
}

function median(numbers) {
  return [...numbers].sort((one, other) => one - other)[numbers.length >> 1]
}
