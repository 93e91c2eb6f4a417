import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import type { Report, UpscaleOptions } from 'unplugin-upscale'
import upscaleWebpack from 'unplugin-upscale/webpack'
import { findReferences } from 'upscale-toolkit/references/sources'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  GENERATED_PICTURE,
  type GeneratedCase,
  type GeneratedHost,
  generateCases,
} from '../support/generated.ts'
import { buildVite, buildWebpack, UPSCALE } from '../support/hosts.ts'
import { buildRspack, HOSTS, rspackConfig } from '../support/more-hosts.ts'
import { paint } from '../support/pictures.ts'
import { type Site, writeSite } from '../support/site.ts'

/*
 * Every tagged reference is upscaled or named, never silent. A few hundred in CI; `pnpm test:generated` does 10,000.
 * GENERATED_CASES and GENERATED_SEED choose others.
 */

const count = Number(process.env.GENERATED_CASES ?? 300)
const seed = Number(process.env.GENERATED_SEED ?? 1)

let painted: Site
beforeAll(async () => {
  painted = await writeSite({})
  await paint(painted.root, GENERATED_PICTURE)
})
afterAll(() => painted.remove())

type Build = (site: Site, options: UpscaleOptions, project: GeneratedCase) => Promise<unknown>

const dist = (site: Site): string => join(site.root, 'dist')

const BUILDS: Readonly<Record<GeneratedHost, Build>> = {
  'Vite 8': (site, options, { environment, inlineLimit }) =>
    buildVite(site, dist(site), options, {
      root: join(site.root, 'src'),
      worker: { format: 'es' },
      build: {
        assetsInlineLimit: inlineLimit,
        ...(environment === 'server' ? { ssr: join(site.root, 'src/main.js') } : {}),
      },
    }),
  webpack: (site, options, { environment, inlineLimit }) =>
    buildWebpack({
      target: environment === 'server' ? 'node' : 'web',
      mode: 'production',
      context: site.root,
      entry: './src/main.js',
      devtool: false,
      infrastructureLogging: { level: 'none' },
      experiments: { css: true },
      output: { path: dist(site) },
      module: {
        rules: [
          { test: /\.png$/, type: 'asset', parser: { dataUrlCondition: { maxSize: inlineLimit } } },
          { test: /\.css$/, type: 'css/auto' },
        ],
      },
      plugins: [upscaleWebpack(options)],
    }),
  rspack: (site, options, { environment }) =>
    buildRspack(
      rspackConfig(site, dist(site), options, { target: environment === 'server' ? 'node' : 'web' }),
    ),
  rollup: (site, options) => HOSTS.rollup.build(site, dist(site), options),
  rolldown: (site, options) => HOSTS.rolldown.build(site, dist(site), options),
  farm: (site, options) => HOSTS.farm.build(site, dist(site), options),
  esbuild: (site, options) => HOSTS.esbuild.build(site, dist(site), options),
}

/** On the server `new URL()` leads nowhere with or without a tag, so it is built as without. */
const isLeftAlone = ({ environment, host, name }: GeneratedCase): boolean =>
  environment === 'server' && host === 'Vite 8' && name.includes(': new URL()')

/** True when `upscale plan`, the inspector and the declarations find the reference too. */
const isSeen = ({ files }: GeneratedCase): boolean =>
  Object.entries(files).some(([name, text]) =>
    findReferences(name, text).some(({ address }) => address.includes('hero.png')),
  )

/** What became of the reference: `upscaled`, `named`, or what went wrong. */
async function fateOf(project: GeneratedCase): Promise<string> {
  const site = await writeSite(project.files)
  let report: Report | undefined
  const onReport = (one: Report): void => {
    report = one
  }
  try {
    await cp(join(painted.root, GENERATED_PICTURE), join(site.root, GENERATED_PICTURE))
    await BUILDS[project.host](site, { ...UPSCALE, root: site.root, onReport }, project)
    const isMade = report?.images.some(({ source }) => source.endsWith('hero.png')) ?? false
    if (isMade && !isSeen(project)) return `not seen by the search of sources: ${project.name}`
    return isMade || isLeftAlone(project) ? 'upscaled' : `silent: ${project.name}`
  } catch (error) {
    const said = String(error)
    const isNamed = said.includes('.png?upscale') && said.includes('fix: ')
    return isNamed ? 'named' : `failed without a name: ${project.name}\n${said}`
  } finally {
    await site.remove()
  }
}

test(
  `each of ${count} references is upscaled or named`,
  async () => {
    const fates: string[] = []
    for (const project of generateCases(seed, count)) fates.push(await fateOf(project))
    expect(fates.filter(fate => fate !== 'upscaled' && fate !== 'named')).toEqual([])
    // Both happen, or the generator makes nothing of use.
    expect(new Set(fates)).toEqual(new Set(['upscaled', 'named']))
  },
  60_000 + count * 1000,
)
