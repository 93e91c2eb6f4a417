/*
 * Builds a site as a script of a user would, with the host's own ways of saying things, in a process of its own:
 *
 *     node run-build.mjs <host> <root> <milliseconds that a picture takes>
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { resize } from 'unplugin-upscale'

const [, , host, root, milliseconds] = process.argv
const outDir = join(root, 'dist')
const input = join(root, 'src/main.js')

/** Plain resampling, but slow. */
const engine = {
  ...resize,
  id: 'slow',
  async upscale(request, context) {
    await sleep(Number(milliseconds))
    return resize.upscale(request, context)
  },
}
const plugin = async () =>
  (await import(`unplugin-upscale/${host.replace(/\d$/, '')}`)).default({ root, engine })

const withVite = name => async () => {
  const { build } = await import(name)
  await build({
    root,
    configFile: false,
    plugins: [await plugin()],
    build: { outDir, assetsInlineLimit: 0 },
  })
}

const BUILDS = {
  vite: withVite('vite'),
  vite7: withVite('vite7'),
  vite6: withVite('vite6'),
  async webpack() {
    const { default: webpack } = await import('webpack')
    await runCompiler(webpack({ ...(await webpackConfig()), plugins: [await plugin()] }))
  },
  async rspack() {
    const { rspack } = await import('@rspack/core')
    await runCompiler(rspack({ ...(await webpackConfig()), plugins: [await plugin()] }))
  },
  async rsbuild() {
    const { createRsbuild } = await import('@rsbuild/core')
    const config = { source: { entry: { index: input } }, plugins: [await plugin()] }
    const { close } = await (await createRsbuild({ cwd: root, config })).build()
    await close()
  },
  async rollup() {
    const { rollup } = await import('rollup')
    const bundle = await rollup({ input, plugins: [await plugin()] })
    await bundle.write({ dir: outDir })
    await bundle.close()
  },
  /** With Bun in the place of Node. */
  async bun() {
    await Bun.build({ entrypoints: [input], outdir: outDir, plugins: [await plugin()] })
  },
  async rolldown() {
    const { rolldown } = await import('rolldown')
    const bundle = await rolldown({ input, plugins: [await plugin()] })
    await bundle.write({ dir: outDir })
    await bundle.close()
  },
  async esbuild() {
    const { build } = await import('esbuild')
    await build({ entryPoints: [input], outdir: outDir, bundle: true, plugins: [await plugin()] })
  },
  async farm() {
    const { build } = await import('@farmfe/core')
    const compilation = {
      input: { index: './index.html' },
      output: { path: outDir },
      persistentCache: false,
      presetEnv: false,
      progress: false,
      sourcemap: false,
    }
    await build({ root, configFile: false, compilation, plugins: [await plugin()] })
  },
}

async function webpackConfig() {
  return {
    mode: 'production',
    context: root,
    entry: input,
    output: { path: outDir },
    module: { rules: [{ test: /\.png$/, type: 'asset/resource' }] },
  }
}

async function runCompiler(compiler) {
  const stats = await new Promise((resolve, reject) => {
    compiler.run((error, result) => (result === undefined ? reject(error) : resolve(result)))
  })
  await new Promise(resolve => compiler.close(resolve))
  process.stdout.write(`${stats.toString({ all: false, errors: true, assets: true })}\n`)
  if (stats.hasErrors()) process.exitCode = 1
}

await BUILDS[host]().catch(error => {
  // What is in an error of Bun, Bun shows where nobody catches it.
  if (host === 'bun') throw error
  process.stderr.write(`${error}\n`)
  process.exitCode = 1
})
