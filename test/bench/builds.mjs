/*
 * What does a build of many pictures cost beside its peers? Prints a table of wall and processor time, in pairs.
 *
 *     pnpm bench:builds [pictures] [rounds] [peers]        1000 5, and a folder to install the peers into once
 *
 *   first build     every picture enlarged from 320 × 200 to 640 × 400 with `resize`: against vite-imagetools, which
 *                   resizes them to that, and against a script that does so with sharp alone, four at a time; in webpack
 *                   against image-minimizer-webpack-plugin, which does so by sharp as well
 *   cached build    nothing to do: against the same build with the finished files imported plainly; and the same of
 *                   five times as many pictures of 48 × 32, where all that counts is what an import costs
 *
 * A round runs each of them once, each in a process of its own, one after the other, so that what else the machine does
 * meets all of them alike. A ratio is the median of the ratios within the rounds, of which cached builds, that take a second,
 * have nine. Where the folder of temporary files is on a disk, most of what cached builds of thousands cost is the file
 * system's work on their output: set TMPDIR to a folder in memory. The newest versions of the peers are
 * installed from the registry into a folder of their own. Asserts nothing: a shared machine's clock is no test.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'

const SELF = fileURLToPath(import.meta.url)
const WIDTH = 320
const HEIGHT = 200
const REFERENCES = {
  tagged: index => `./img/picture-${index}.png?upscale=2`,
  imagetools: index => `./img/picture-${index}.png?w=${2 * WIDTH}&h=${2 * HEIGHT}&allowUpscale=true`,
  minimizer: index => `./img/picture-${index}.png?as=twice`,
  plain: index => `./img/picture-${index}-2x.png`,
}
const CACHED_ROUNDS = 9
const PEERS = ['vite', 'vite-imagetools', 'webpack', 'image-minimizer-webpack-plugin', 'sharp']
const [first, ...others] = process.argv.slice(2)

if (first === '--run') await runOnce(...others)
else await measure(Number(first ?? 1000), Number(others[0] ?? 5), others[1])

/** Runs in a process of its own, so that nothing profits from what was before; its usage is that of the process. */
async function runOnce(kind, root, peers) {
  let report
  if (kind === 'sharp') await enlargeAlone(root)
  else if (kind === 'minimizer' || kind === 'taggedWebpack') {
    report = await buildByWebpack(kind, root, peers)
  } else {
    const { build } = await fromPeers('vite', peers)
    const plugins = {
      plain: async () => [],
      imagetools: async () => [(await fromPeers('vite-imagetools', peers)).imagetools()],
      tagged: async () => {
        const { default: upscale } = await import('unplugin-upscale/vite')
        return [upscale({ engine: 'resize', onReport: one => (report = one) })]
      },
    }
    await build({
      root,
      configFile: false,
      logLevel: 'silent',
      plugins: await plugins[kind](),
      build: { reportCompressedSize: false, assetsInlineLimit: 0 },
    })
  }
  const { user, system } = process.cpuUsage()
  const engineCalls = report?.images.filter(image => image.origin === 'engine').length ?? 0
  const { sharedObjects } = process.report.getReport()
  const hasSharp = sharedObjects.some(path => /libvips/.test(path))
  console.log(
    JSON.stringify({ wall: performance.now() / 1000, cpu: (user + system) / 1e6, engineCalls, hasSharp }),
  )
}

/** @returns the report of our plugin, where it is ours */
async function buildByWebpack(kind, root, peers) {
  const require = createRequire(join(peers, 'package.json'))
  const webpack = require('webpack')
  const plugins = []
  let report
  if (kind === 'taggedWebpack') {
    const { default: upscale } = await import('unplugin-upscale/webpack')
    plugins.push(upscale({ engine: 'resize', onReport: one => (report = one) }))
  } else {
    const Minimizer = require('image-minimizer-webpack-plugin')
    const options = { resize: { width: 2 * WIDTH, height: 2 * HEIGHT }, encodeOptions: { png: {} } }
    const twice = { preset: 'twice', implementation: Minimizer.sharpGenerate, options }
    plugins.push(new Minimizer({ minimizer: undefined, generator: [twice] }))
  }
  const compiler = webpack({
    context: root,
    mode: 'production',
    entry: join(root, 'main.js'),
    output: { path: join(root, 'dist') },
    module: { rules: [{ test: /\.png$/, type: 'asset/resource' }] },
    performance: false,
    infrastructureLogging: { level: 'error' },
    plugins,
  })
  const stats = await new Promise((resolve, reject) => {
    compiler.run((error, stats) => (error ? reject(error) : resolve(stats)))
  })
  await new Promise(resolve => compiler.close(resolve))
  if (stats.hasErrors()) throw new Error(stats.toString({ all: false, errors: true }))
  return report
}

/** By its own entry: what a package exports to `import` is not what `require.resolve` finds. */
async function fromPeers(name, peers) {
  const folder = join(peers, 'node_modules', name)
  const { exports, module } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const entry = exports?.['.'] ?? exports
  const file = typeof entry === 'string' ? entry : (entry?.import?.default ?? entry?.import ?? entry?.default)
  return import(pathToFileURL(join(folder, file ?? module)).href)
}

async function enlargeAlone(root) {
  const sharp = createRequire(SELF)('sharp')
  const names = (await readdir(join(root, 'img'))).filter(name => name.endsWith('.png'))
  await mkdir(join(root, 'dist'))
  async function lane() {
    for (let name = names.pop(); name !== undefined; name = names.pop())
      await sharp(join(root, 'img', name))
        .resize(2 * WIDTH, 2 * HEIGHT)
        .png()
        .toFile(join(root, 'dist', name))
  }
  await Promise.all(Array.from({ length: 4 }, lane))
}

async function measure(pictures, rounds, folder) {
  const root = await mkdtemp(join(tmpdir(), 'upscale-bench-'))
  try {
    const peers = folder ?? join(root, 'peers')
    await installPeers(peers)
    const names = {
      tagged: 'tagged',
      taggedWebpack: 'tagged',
      imagetools: 'imagetools',
      sharp: 'imagetools',
      minimizer: 'minimizer',
      plain: 'plain',
    }
    const run = kind => {
      const place = join(root, names[kind])
      const output = execFileSync(process.execPath, [SELF, '--run', kind, place, peers], { cwd: place })
      return JSON.parse(output.toString().trim().split('\n').at(-1))
    }
    for (const kind of ['tagged', 'imagetools', 'minimizer'])
      await writePage(join(root, kind), pictures, kind)
    const runs = { cold: [], warm: [] }
    for (let round = 0; round < rounds; round++) {
      const one = {}
      // Vite's last: its cached builds follow.
      for (const kind of ['minimizer', 'taggedWebpack', 'imagetools', 'sharp', 'tagged']) {
        for (const made of ['dist', 'node_modules', '.upscale'])
          await rm(join(root, names[kind], made), { recursive: true, force: true })
        one[kind] = run(kind)
      }
      runs.cold.push(one)
    }
    await rm(join(root, 'imagetools/dist'), { recursive: true, force: true })
    await writePlain(join(root, 'plain'), join(root, 'tagged'), pictures)
    run('imagetools')
    await settle(() => run('tagged'))
    for (let round = 0; round < CACHED_ROUNDS; round++)
      runs.warm.push({ plain: run('plain'), imagetools: run('imagetools'), tagged: run('tagged') })
    print(runs, pictures, await versionsOf(peers))
    const many = 5 * pictures
    printRow(
      `cached build of ${many}`,
      'plain imports',
      await measureMany(run, root, many),
      'plain',
      'tagged',
    )
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

/** Small pictures, so many that nothing but the imports counts. */
async function measureMany(run, root, pictures) {
  for (const kind of ['tagged', 'plain']) await rm(join(root, kind), { recursive: true, force: true })
  await writePage(join(root, 'tagged'), pictures, 'tagged', [48, 32])
  run('tagged')
  await writePlain(join(root, 'plain'), join(root, 'tagged'), pictures)
  await settle(() => run('tagged'))
  return Array.from({ length: CACHED_ROUNDS }, () => ({ plain: run('plain'), tagged: run('tagged') }))
}

/** A file that changed in the last ten seconds is read again, so a build that follows at once is no usual one. */
async function settle(build) {
  await sleep(11_000)
  build()
}

async function installPeers(folder) {
  if (PEERS.every(name => existsSync(join(folder, 'node_modules', name)))) return
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n')
  const args = ['install', '--no-audit', '--no-fund', '--silent', ...PEERS.map(name => `${name}@latest`)]
  execFileSync('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
}

async function versionsOf(peers) {
  const version = async name =>
    JSON.parse(await readFile(join(peers, 'node_modules', name, 'package.json'), 'utf8')).version
  const all = await Promise.all(PEERS.map(async name => `${name} ${await version(name)}`))
  return [`Node ${process.versions.node}`, ...all].join(', ')
}

function print({ cold, warm }, pictures, versions) {
  console.log(
    `${pictures} pictures, ${versions}, medians of ${cold.length} rounds, of ${CACHED_ROUNDS} for cached builds\n`,
  )
  console.log('| work | beside | its s, CPU s | ours | ratio of time | ratio of CPU |')
  console.log('| --- | --- | --- | --- | --- | --- |')
  printRow('first build', 'vite-imagetools', cold, 'imagetools', 'tagged')
  printRow('first build', 'sharp alone', cold, 'sharp', 'tagged')
  printRow('first build by webpack', 'image-minimizer', cold, 'minimizer', 'taggedWebpack')
  printRow('cached build', 'plain imports', warm, 'plain', 'tagged')
  printRow('cached build of vite-imagetools', 'plain imports', warm, 'plain', 'imagetools')
  const calls = warm.reduce((sum, { tagged }) => sum + tagged.engineCalls, 0)
  const loaded = warm.some(({ tagged }) => tagged.hasSharp) ? 'sharp was loaded' : 'sharp was not loaded'
  console.log(`\nengine calls of cached builds: ${calls}; ${loaded}\n`)
}

function printRow(work, name, rounds, peer, own) {
  const of = (kind, what) => median(rounds.map(round => round[kind][what])).toFixed(2)
  const ratio = what => median(rounds.map(round => round[own][what] / round[peer][what])).toFixed(2)
  const both = kind => `${of(kind, 'wall')}, ${of(kind, 'cpu')}`
  console.log(`| ${work} | ${name} | ${both(peer)} | ${both(own)} | ${ratio('wall')} | ${ratio('cpu')} |`)
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

/** The same page, with the files that the first build wrote under the same names. */
async function writePlain(root, tagged, pictures) {
  await writeReferences(root, pictures, REFERENCES.plain)
  for (const name of await readdir(join(tagged, 'dist/assets'))) {
    const match = /^(picture-\d+-2x)-.*\.png$/.exec(name)
    if (match) await copyFile(join(tagged, 'dist/assets', name), join(root, 'img', `${match[1]}.png`))
  }
}

/** Two of three pictures have the detail of a photograph, the third is a drawing; no two are alike. */
async function writePage(root, pictures, kind, size = [WIDTH, HEIGHT]) {
  await writeReferences(root, pictures, REFERENCES[kind])
  const sharp = createRequire(SELF)('sharp')
  for (let index = 0; index < pictures; index++) {
    const drawing = sharp(Buffer.from(index % 3 === 2 ? shapes(index) : clouds(index)))
    await drawing
      .resize(...size, { fit: 'fill' })
      .removeAlpha()
      .png()
      .toFile(join(root, 'img', `picture-${index}.png`))
  }
}

function shapes(index) {
  const hue = (index * 137) % 360
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">
    <defs><linearGradient id="g"><stop stop-color="hsl(${hue},80%,50%)"/>
    <stop offset="1" stop-color="hsl(${(hue + 90) % 360},70%,30%)"/></linearGradient></defs>
    <rect width="100%" height="100%" fill="url(#g)"/><circle cx="${20 + (index % 280)}" cy="100" r="60" fill="white"/>
    <path d="M0 ${index % 200}L320 ${(index * 7) % 200}" stroke="black"/></svg>`
}

function clouds(index) {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">
    <filter id="f"><feTurbulence type="fractalNoise" baseFrequency="0.02" numOctaves="5" seed="${index + 1}"/></filter>
    <rect width="100%" height="100%" fill="#456"/><rect width="100%" height="100%" filter="url(#f)"/></svg>`
}

async function writeReferences(root, pictures, referenceOf) {
  await mkdir(join(root, 'img'), { recursive: true })
  const indexes = Array.from({ length: pictures }, (_, index) => index)
  const imports = indexes.map(index => `import image${index} from '${referenceOf(index)}'`)
  const list = `document.body.dataset.images = [${indexes.map(index => `image${index}`).join(', ')}].join()`
  await writeFile(join(root, 'main.js'), [...imports, list, ''].join('\n'))
  await writeFile(
    join(root, 'index.html'),
    '<!doctype html><script type="module" src="./main.js"></script>\n',
  )
}
