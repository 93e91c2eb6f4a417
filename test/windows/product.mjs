/*
 * Builds a site with the built packages, on whatever system runs this, and writes down what came of it:
 *
 *     node product.mjs <repository> <site> <result.json>
 *
 * The result names, for each way, the files of the output with the hash of their bytes, and how many pictures were made.
 */
import { copyFileSync, writeFileSync } from 'node:fs'
import { get as httpGet } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { filesOf, hashOf } from './files-of.mjs'

const [, , repository, root, resultFile] = process.argv
const PLUGIN = join(repository, 'packages/unplugin')
const hosts = createRequire(join(PLUGIN, 'package.json'))

const { build, createServer } = await load(hosts.resolve('vite'))
const { default: webpack } = await load(hosts.resolve('webpack'))

const { default: upscaleVite } = await load(join(PLUGIN, 'dist/vite.mjs'))
const { default: upscaleWebpack } = await load(join(PLUGIN, 'dist/webpack.mjs'))

const result = {}
for (const [way, run] of Object.entries({ vite: viteBuild, webpack: webpackBuild })) {
  const first = await run(`${way}-first`)
  const second = await run(`${way}-second`)
  result[way] = { files: first.files, made: first.made, madeAgain: second.made, again: second.files }
}
result.dev = await devServer()
result.watch = await watch()
writeFileSync(resultFile, JSON.stringify(result, null, 2))
// Whatever a host keeps open is not what is looked at here.
process.exit()

async function load(path) {
  return import(pathToFileURL(path).href)
}

function optionsFor(way, reports) {
  // Of its own, or the second way would find what the first one made.
  process.env.UPSCALE_SCRATCH_DIR = `.kept-${way.replace(/-.*/, '')}`
  return { cacheDir: `.upscale-${way.replace(/-.*/, '')}`, onReport: report => reports.push(report) }
}

function outcome(folder, reports) {
  return { files: filesOf(join(root, folder)), made: madeIn(reports) }
}

function madeIn(reports) {
  return reports.flatMap(report => report.images).filter(image => image.origin !== 'cache').length
}

async function viteBuild(outDir) {
  const reports = []
  await build({
    root,
    configFile: false,
    logLevel: 'warn',
    plugins: [upscaleVite(optionsFor(outDir, reports))],
    build: { outDir, assetsInlineLimit: 0 },
  })
  return outcome(outDir, reports)
}

function webpackConfig(outDir, reports) {
  return {
    mode: 'production',
    context: root,
    entry: './main.js',
    output: { path: join(root, outDir) },
    module: { rules: [{ test: /\.png$/, type: 'asset/resource' }] },
    plugins: [upscaleWebpack(optionsFor(outDir, reports))],
  }
}

async function webpackBuild(outDir) {
  const reports = []
  const compiler = webpack(webpackConfig(outDir, reports))
  const stats = await new Promise((resolve, reject) => {
    compiler.run((error, done) => (error ? reject(error) : resolve(done)))
  })
  await new Promise(resolve => compiler.close(resolve))
  if (stats.hasErrors()) throw new Error(stats.toString({ all: false, errors: true }))
  return outcome(outDir, reports)
}

/** The large picture that a dev server of Vite gives for an import. */
async function devServer() {
  const server = await createServer({
    root,
    configFile: false,
    logLevel: 'warn',
    plugins: [upscaleVite({ ...optionsFor('dev', []), dev: 'full' })],
    server: { host: '127.0.0.1', port: 0 },
  })
  await server.listen()
  const { port } = server.httpServer.address()
  const module = String(await get(`http://127.0.0.1:${port}/hero.png?upscale=2&import`))
  const [, address] = /export default "([^"]+)"/.exec(module) ?? []
  if (address === undefined) throw new Error(`the dev server answered with no address: ${module}`)
  const picture = await get(new URL(address, `http://127.0.0.1:${port}`))
  await server.close()
  return hashOf(picture)
}

/** The body of an answer. Not by `fetch`, whose connections Wine refuses. */
function get(address) {
  return new Promise((resolve, reject) => {
    const request = httpGet(address, { agent: false }, async response => {
      resolve(Buffer.concat(await response.toArray()))
    })
    request.on('error', reject)
  })
}

/** The pictures of a watching webpack, before and after the source was replaced. */
async function watch() {
  const outDir = 'watch'
  const reports = []
  const compiler = webpack(webpackConfig(outDir, reports))
  const builds = []
  const watching = compiler.watch({ aggregateTimeout: 50 }, (error, stats) => {
    if (error || stats.hasErrors()) throw error ?? new Error(stats.toString({ all: false, errors: true }))
    builds.push(filesOf(join(root, outDir)))
    if (builds.length === 1) copyFileSync(join(root, 'other.png'), join(root, 'hero.png'))
  })
  const pictures = build => Object.keys(build).filter(name => name.endsWith('.png'))
  const deadline = Date.now() + 60_000
  while (new Set(builds.flatMap(pictures)).size < 4 && Date.now() < deadline) await sleep(100)
  await new Promise(resolve => watching.close(resolve))
  return [...new Set(builds.flatMap(pictures))].sort()
}
