import { join } from 'node:path'
import HtmlWebpackPlugin from 'html-webpack-plugin'
import MiniCssExtractPlugin from 'mini-css-extract-plugin'
import type { UpscaleOptions } from 'unplugin-upscale'
import upscaleVite from 'unplugin-upscale/vite'
import upscaleWebpack from 'unplugin-upscale/webpack'
import { type InlineConfig, build as viteBuild } from 'vite'
import { type Configuration, type Stats, webpack } from 'webpack'
import type { Site } from './site.ts'

/** Options that suit every fixture; `resize` because the tests are about references, not about models. */
export const UPSCALE: UpscaleOptions = {
  engine: 'resize',
  presets: { hero: { factor: 1.5 } },
  include: ['node_modules/pictures'],
}

/** The versions of Vite that the plugin is for. Their types differ in what no test uses. */
export const VITES: Readonly<Record<'8' | '7' | '6', () => Promise<typeof viteBuild>>> = {
  '8': async () => viteBuild,
  '7': async () => (await import('vite7')).build as unknown as typeof viteBuild,
  '6': async () => (await import('vite6')).build as unknown as typeof viteBuild,
}

/** Builds a site with Vite into a folder. Without options there is no plugin. */
export async function buildVite(
  site: Site,
  outDir: string,
  options: UpscaleOptions | undefined,
  more: InlineConfig = {},
  version: keyof typeof VITES = '8',
): Promise<void> {
  const build = await VITES[version]()
  await build({
    root: site.root,
    configFile: false,
    logLevel: 'silent',
    ...more,
    resolve: { alias: { '@': join(site.root, 'src') } },
    plugins: [more.plugins ?? [], options === undefined ? [] : upscaleVite(options)],
    build: { outDir, emptyOutDir: true, ...more.build },
  })
}

/** A config as many projects have it: css-loader, mini-css-extract, html-webpack-plugin with html-loader. */
export function webpackConfig(
  site: Site,
  outDir: string,
  options: UpscaleOptions | undefined,
  more: Configuration = {},
): Configuration {
  const fromHere = (name: string): string => import.meta.resolve(name).replace('file://', '')
  const css = { use: [MiniCssExtractPlugin.loader, fromHere('css-loader')], type: 'javascript/auto' as const }
  return {
    mode: 'production',
    context: site.root,
    entry: './src/main.js',
    devtool: false,
    infrastructureLogging: { level: 'error' },
    ...more,
    output: { path: outDir, clean: true, filename: 'main.js', ...more.output },
    resolve: { alias: { '@': join(site.root, 'src') } },
    module: {
      rules: [
        { test: /\.css$/, ...css },
        { test: /\.html$/, use: [fromHere('html-loader')], type: 'javascript/auto' },
        ...(more.module?.rules ?? [{ test: /\.(?:png|jpg|webp)$/i, type: 'asset' as const }]),
      ],
    },
    plugins: [
      new MiniCssExtractPlugin({ filename: 'css/main.css' }),
      new HtmlWebpackPlugin({ template: join(site.root, 'src/index.html'), minify: false }),
      ...(more.plugins ?? []),
      ...(options === undefined ? [] : [upscaleWebpack(options)]),
    ],
  }
}

/** Runs webpack once. Errors of the compilation are thrown as one. */
export async function buildWebpack(config: Configuration): Promise<Stats> {
  const compiler = webpack(config)
  if (compiler === null) throw new Error('webpack gave no compiler')
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
