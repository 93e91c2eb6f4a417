/*
 * How long is the thread held, and how much memory is taken, while a large picture is enlarged, or several at once? Each kind
 * of picture has a process of its own, 4096 × 4096 to 8192 × 8192 unless told otherwise.
 *
 *     pnpm build && node test/bench/large.mjs [side] [engine] [pictures at once]      4096 resize 1
 *
 * The processor time of the thread between two turns of the event loop is counted where Node tells it (23.9 and newer),
 * else the time: on a machine that does other things as well that is much more. Asserts nothing.
 */
import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createUpscaler } from 'upscale-core'
import { local } from 'upscale-local'

const sharp = createRequire(import.meta.url)('sharp')
const SELF = fileURLToPath(import.meta.url)
const DRAWING =
  '<circle cx="50%" cy="50%" r="33%" fill="teal"/><path d="M0 0L4096 4096" stroke="red" stroke-width="40"/>'
const KINDS = {
  photograph: side =>
    sharp({
      create: { width: side, height: side, channels: 3, noise: { type: 'gaussian', mean: 120, sigma: 8 } },
    }),
  drawing: (side, number) =>
    draw(side, number, '<rect width="100%" height="100%" fill="white"/>').removeAlpha(),
  'drawing with alpha': (side, number) => draw(side, number, ''),
}
const [first, ...others] = process.argv.slice(2)

if (first === '--run') await enlarge(...others)
else await measure(Number(first ?? 4096), others[0] ?? 'resize', Number(others[1] ?? 1))

async function measure(side, engine, atOnce) {
  console.log(
    `${side} × ${side} to twice that, ${atOnce} at once, engine ${engine}, Node ${process.versions.node}\n`,
  )
  console.log('| picture | files, MB | longest hold, ms | most memory, MB |')
  console.log('| --- | --- | --- | --- |')
  for (const kind of Object.keys(KINDS)) {
    const root = await mkdtemp(join(tmpdir(), 'upscale-large-'))
    try {
      for (let number = 0; number < atOnce; number++)
        await KINDS[kind](side, number)
          .png()
          .toFile(join(root, `${number}.png`))
      const output = execFileSync(process.execPath, [SELF, '--run', root, engine])
      const { bytes, heldMs, memory } = JSON.parse(output.toString())
      const row = [kind, (bytes / 1e6).toFixed(1), heldMs.toFixed(0), (memory / 1e6).toFixed(0)]
      console.log(`| ${row.join(' | ')} |`)
    } finally {
      await rm(root, { recursive: true, force: true })
    }
  }
}

async function enlarge(root, engine) {
  const upscaler = createUpscaler(
    { engine, maxPixels: 2 ** 27 },
    { root, env: {}, engines: { local: local() } },
  )
  const names = (await readdir(root)).filter(name => name.endsWith('.png'))
  const held = watchThread()
  const made = await Promise.all(names.map(name => upscaler.upscale(name, { factor: 2 })))
  const heldMs = held()
  await upscaler.close()
  const bytes = made.reduce((sum, { size }) => sum + size, 0)
  console.log(JSON.stringify({ bytes, heldMs, memory: process.resourceUsage().maxRSS * 1024 }))
}

/** @returns to be called at the end: the longest time between two turns of the event loop, in milliseconds */
function watchThread() {
  let longest = 0
  let before = spent()
  let timer = setImmediate(turn)
  function turn() {
    const now = spent()
    longest = Math.max(longest, now - before)
    before = now
    timer = setImmediate(turn)
  }
  return () => {
    clearImmediate(timer)
    return longest
  }
}

function spent() {
  if (process.threadCpuUsage === undefined) return performance.now()
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** @param number no two are alike */
function draw(side, number, ground) {
  const mark = `<rect x="${100 * number}" width="99" height="99" fill="navy"/>`
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}" viewBox="0 0 4096 4096">`
  return sharp(Buffer.from(`${svg}${ground}${DRAWING}${mark}</svg>`))
}
