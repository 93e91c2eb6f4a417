/*
 * What does `upscale` cost over the engine alone, when it takes thousands of pictures?
 *
 *     pnpm build && node test/bench/bulk.mjs [pictures] [engine] [width] [height]      10000 resize 48 32
 *
 * Three things are measured, each in a process of its own:
 *
 *   bare      reads, decodes, calls the engine, encodes and writes: what nobody can do without
 *   upscale   the command over the same folder, with an empty cache; and how much memory it holds over time
 *   killed    the same, killed (SIGKILL) at half and started again: how many pictures were made twice
 *
 * Processor time says more than time on a machine that does other things as well. Asserts nothing.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SELF = fileURLToPath(import.meta.url)
const COMMAND = fileURLToPath(new URL('../../packages/cli/bin/upscale.mjs', import.meta.url))
const AT_A_TIME = 4
const [first, ...others] = process.argv.slice(2)

if (first === '--bare') await runBare(...others)
else
  await measure(
    Number(first ?? 10_000),
    others[0] ?? 'resize',
    Number(others[1] ?? 48),
    Number(others[2] ?? 32),
  )

/** As a user's own script would do it: a few at a time, every picture through a PNG. */
async function runBare(source, target, engineName) {
  const { default: sharp } = await import('sharp')
  const { local, resize } = await import('unplugin-upscale')
  const engine = engineName === 'local' ? local() : resize
  const context = { signal: new AbortController().signal, env: {} }
  const names = await readdir(source)
  let engineMs = 0
  await mkdir(target, { recursive: true })
  async function lane() {
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      const bytes = await readFile(join(source, name))
      const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true })
      const start = performance.now()
      const request = { image: { data, ...sizeOf(info) }, scale: 2, params: {} }
      const { data: larger, ...size } = await engine.upscale(request, context)
      engineMs += performance.now() - start
      await sharp(larger, { raw: size }).png({ compressionLevel: 7 }).toFile(join(target, name))
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, lane))
  await engine.close?.()
  return engineMs
}

function sizeOf({ width, height, channels }) {
  return { width, height, channels }
}

async function measure(pictures, engine, width, height) {
  const root = await mkdtemp(join(tmpdir(), 'upscale-bulk-'))
  try {
    await paint(join(root, 'images'), pictures, width, height)
    console.log(`${pictures} pictures of ${width} × ${height}, engine ${engine}`)
    const bare = await run([SELF, '--bare', join(root, 'images'), join(root, 'bare'), engine], root)
    print('bare', bare, pictures)
    const args = [COMMAND, 'images', '--out', 'out', '--engine', engine, '--quiet', '--json']
    const whole = await run(args, root)
    print('upscale', whole, pictures)
    console.log(
      `  over bare: ${percent(whole.seconds, bare.seconds)} time, ${percent(whole.cpu, bare.cpu)} processor time, ` +
        `${(((whole.cpu - bare.cpu) * 1000) / pictures).toFixed(2)} ms a picture`,
    )
    console.log(`  memory, MB, in tenths of the run: ${tenths(whole.rss).join(' ')}`)
    const again = await run(args, root)
    print('all cached', again, pictures)
    await killed(args, root, pictures)
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

async function killed(args, root, pictures) {
  for (const name of ['out', 'node_modules', '.upscale'])
    await rm(join(root, name), { recursive: true, force: true })
  await run(args, root, async () => (await countFiles(join(root, 'out'))) >= pictures / 2)
  const [made, answered] = [await countFiles(join(root, 'out')), await countAnswers(root)]
  const { document } = await run(args, root)
  const { engine = 0, cache = 0, failed = 0 } = document.counts
  console.log(
    `killed with ${made} files written and ${answered} answers kept; the next run made ${engine}, ` +
      `took ${cache} from the cache, ${failed} failed: ` +
      `${(await countFiles(join(root, 'out'))) === pictures ? 'none is lost' : 'some are lost'}`,
  )
}

/** @param until - asked now and then; once it says true, the process is killed */
async function run([script, ...args], cwd, until) {
  const usage = join(cwd, `usage-${Date.now()}.json`)
  const hook =
    'import{writeFileSync}from"node:fs";process.on("exit",()=>' +
    `writeFileSync(${JSON.stringify(usage)},JSON.stringify(process.resourceUsage())))`
  const start = performance.now()
  const flags = ['--import', `data:text/javascript,${encodeURIComponent(hook)}`]
  const child = spawn(process.execPath, [...flags, script, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const output = []
  child.stdout.on('data', chunk => output.push(chunk))
  const rss = []
  const timer = setInterval(async () => {
    rss.push(residentOf(child.pid))
    if (await until?.()) child.kill('SIGKILL')
  }, 100)
  const code = await new Promise(resolve => child.on('close', resolve))
  clearInterval(timer)
  const seconds = (performance.now() - start) / 1000
  if (until !== undefined) return {}
  if (code !== 0) throw new Error(`${script} ended with ${code}`)
  const { userCPUTime, systemCPUTime, maxRSS } = JSON.parse(readFileSync(usage, 'utf8'))
  const text = Buffer.concat(output).toString()
  const document = text === '' ? undefined : JSON.parse(text)
  return { seconds, cpu: (userCPUTime + systemCPUTime) / 1e6, maxMb: maxRSS / 1024, rss, document }
}

/** Megabytes, or 0 where the system doesn't tell. */
function residentOf(pid) {
  const file = `/proc/${pid}/status`
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  return Number(/^VmRSS:\s*(\d+)/m.exec(text)?.[1] ?? 0) / 1024
}

async function countFiles(folder) {
  return (await readdir(folder).catch(() => [])).filter(name => name.endsWith('.png')).length
}

async function countAnswers(root) {
  const shelf = join(root, 'node_modules/.cache/upscale/v1/answers')
  const names = await readdir(shelf, { recursive: true }).catch(() => [])
  return names.filter(name => name.endsWith('entry.json')).length
}

/** Pictures with some detail, no two alike. */
async function paint(folder, pictures, width, height) {
  const { default: sharp } = await import('sharp')
  await mkdir(folder, { recursive: true })
  for (let number = 0; number < pictures; number++) {
    const data = new Uint8Array(width * height * 3)
    for (let at = 0; at < data.length; at++) {
      const pixel = Math.floor(at / 3)
      const [x, y] = [pixel % width, Math.floor(pixel / width)]
      data[at] = 128 + 90 * Math.sin(x / 7 + number) + 30 * Math.cos((y * (1 + (at % 3))) / 5) + (number % 8)
    }
    const file = join(folder, `picture-${String(number).padStart(6, '0')}.png`)
    await writeFile(
      file,
      await sharp(data, { raw: { width, height, channels: 3 } })
        .png()
        .toBuffer(),
    )
  }
}

function print(name, { seconds, cpu, maxMb }, pictures) {
  console.log(
    `${name}: ${seconds.toFixed(1)} s, ${(pictures / seconds).toFixed(1)} pictures a second, ` +
      `${((cpu * 1000) / pictures).toFixed(2)} ms of processor time a picture, ${Math.round(maxMb)} MB at most`,
  )
}

function percent(value, base) {
  const part = (value / base - 1) * 100
  return `${part >= 0 ? '+' : ''}${part.toFixed(1)} %`
}

function tenths(samples) {
  return Array.from({ length: 10 }, (_, tenth) => {
    const part = samples.slice((samples.length * tenth) / 10, (samples.length * (tenth + 1)) / 10)
    return Math.round(part.sort((a, b) => a - b)[Math.floor(part.length / 2)] ?? 0)
  })
}
