import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build as farm, type JsPlugin, Logger } from '@farmfe/core'
import { createRsbuild } from '@rsbuild/core'
import { type Compiler, type Configuration as RspackConfig, rspack, type Stats } from '@rspack/core'
import { build as esbuild } from 'esbuild'
import { rolldown } from 'rolldown'
import { rollup } from 'rollup'
import type { UpscaleOptions } from 'unplugin-upscale'
import upscaleEsbuild from 'unplugin-upscale/esbuild'
import upscaleFarm from 'unplugin-upscale/farm'
import upscaleRolldown from 'unplugin-upscale/rolldown'
import upscaleRollup from 'unplugin-upscale/rollup'
import upscaleRsbuild from 'unplugin-upscale/rsbuild'
import upscaleRspack from 'unplugin-upscale/rspack'
import { type Abilities, pageOf, sourceFolder } from './plain-site.ts'
import type { Site } from './site.ts'

/** A bundler besides Vite and webpack: what it can do, and how `src/main.js` becomes a folder that can be served. */
export interface Host {
  readonly abilities: Abilities
  /** @throws with everything that the host said about a failure */
  build(site: Site, outDir: string, options: UpscaleOptions): Promise<void>
}

const ALL: Abilities = { css: true, newUrl: true, alias: true, packages: true }

export const HOSTS = {
  rollup: {
    // Aliases and packages are the work of other plugins there, and it has no style sheets.
    abilities: { css: false, newUrl: true, alias: false, packages: false },
    async build(site, outDir, options) {
      await writePage(outDir, 'module', false)
      const bundle = await rollup({
        input: join(site.root, 'src/main.js'),
        plugins: [upscaleRollup({ root: site.root, ...options })],
        onLog: () => {},
      })
      await bundle.write({ dir: outDir, format: 'es' })
      await bundle.close()
    },
  },
  rolldown: {
    abilities: { css: false, newUrl: true, alias: true, packages: true },
    async build(site, outDir, options) {
      await writePage(outDir, 'module', false)
      const bundle = await rolldown({
        input: join(site.root, 'src/main.js'),
        cwd: site.root,
        resolve: { alias: { '@': sourceFolder(site) } },
        plugins: [upscaleRolldown({ root: site.root, ...options })],
        onLog: () => {},
      })
      await bundle.write({ dir: outDir, format: 'es' })
      await bundle.close()
    },
  },
  esbuild: {
    abilities: { ...ALL, newUrl: false },
    async build(site, outDir, options) {
      await writePage(outDir, 'module', true)
      await esbuild({
        entryPoints: ['src/main.js'],
        absWorkingDir: site.root,
        outdir: outDir,
        bundle: true,
        format: 'esm',
        splitting: true,
        alias: { '@': sourceFolder(site) },
        logLevel: 'silent',
        plugins: [upscaleEsbuild(options)],
      })
    },
  },
  rspack: {
    abilities: ALL,
    async build(site, outDir, options) {
      await writePage(outDir, 'text/javascript', true)
      await buildRspack(rspackConfig(site, outDir, options))
    },
  },
  rsbuild: {
    abilities: ALL,
    async build(site, outDir, options) {
      const failures: string[] = []
      const keep = (stats: Stats): void => {
        for (const { message } of stats.toJson({ all: false, errors: true }).errors ?? [])
          failures.push(message)
      }
      const instance = await createRsbuild({
        cwd: site.root,
        config: {
          logLevel: 'silent',
          source: { entry: { index: './src/main.js' } },
          resolve: { alias: { '@': sourceFolder(site) } },
          output: { distPath: { root: outDir } },
          tools: {
            rspack: {
              plugins: [{ apply: (compiler: Compiler) => void compiler.hooks.done.tap('test', keep) }],
            },
          },
          plugins: [upscaleRsbuild(options)],
        },
      })
      try {
        const { close } = await instance.build()
        await close()
      } catch (error) {
        // Rsbuild's own error doesn't say what went wrong.
        throw failures.length === 0 ? error : new Error(failures.join('\n'))
      }
    },
  },
  farm: {
    abilities: { ...ALL, newUrl: false },
    async build(site: Site, outDir: string, options: UpscaleOptions, before: readonly JsPlugin[] = []) {
      const failures: string[] = []
      // Farm's own ends the process for an error.
      const logger = Object.assign(new Logger(), {
        error: (message: string | Error) => void failures.push(String(message)),
      })
      await farm({
        root: site.root,
        configFile: false,
        compilation: {
          input: { index: './index.html' },
          output: { path: outDir, publicPath: '/' },
          resolve: { alias: { '@': sourceFolder(site) } },
          persistentCache: false,
          // Its helpers come from core-js, which the project would have to install.
          presetEnv: false,
          progress: false,
          sourcemap: false,
          minify: false,
        },
        logger,
        plugins: [...before, upscaleFarm(options)],
      } as Parameters<typeof farm>[0])
      if (failures.length > 0) throw new Error(failures.join('\n'))
    },
  },
} as const satisfies Readonly<Record<string, Host>>

/** A config as small projects have it: style sheets and images without loaders. */
export function rspackConfig(
  site: Site,
  outDir: string,
  options: UpscaleOptions,
  more: RspackConfig = {},
): RspackConfig {
  return {
    mode: 'production',
    context: site.root,
    entry: './src/main.js',
    devtool: false,
    infrastructureLogging: { level: 'none' },
    ...more,
    resolve: { alias: { '@': sourceFolder(site) } },
    output: { path: outDir, filename: 'main.js', cssFilename: 'main.css', ...more.output },
    module: {
      rules: [
        { test: /\.css$/, type: 'css/auto' },
        ...(more.module?.rules ?? [{ test: /\.(?:png|jpg|webp)$/, type: 'asset/resource' as const }]),
      ],
    },
    plugins: [...(more.plugins ?? []), upscaleRspack(options)],
  }
}

/** Runs Rspack once. Errors of the compilation are thrown as one. */
export async function buildRspack(config: RspackConfig): Promise<Stats> {
  const compiler = rspack(config)
  try {
    const stats = await new Promise<Stats>((resolve, reject) => {
      compiler.run((error, result) => (result === undefined ? reject(error) : resolve(result)))
    })
    if (stats.hasErrors()) throw new Error(stats.toString({ all: false, errors: true, colors: false }))
    return stats
  } finally {
    await new Promise(resolve => compiler.close(resolve))
  }
}

async function writePage(outDir: string, type: 'module' | 'text/javascript', css: boolean): Promise<void> {
  await mkdir(outDir, { recursive: true })
  await writeFile(join(outDir, 'index.html'), pageOf(type, css))
}
