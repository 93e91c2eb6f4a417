import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import upscale from 'unplugin-upscale/vite'
import { createBuilder, type Plugin } from 'vite'
import { afterEach, expect, test } from 'vitest'
import { UPSCALE } from '../support/hosts.ts'
import { paint } from '../support/pictures.ts'
import { type Site, writeSite } from '../support/site.ts'

// Frameworks such as SolidStart build the browsers' files first, and put their manifest into the server's code.

let site: Site | undefined
afterEach(() => site?.remove())

/** Builds both, the server from this code, whose `virtual:manifest` is the browsers' manifest. */
async function buildBoth(server: string): Promise<string> {
  site = await writeSite({
    'client.js': "import hero from './img/hero.png?upscale=2'\ndocument.title = hero\n",
    'server.js': server,
  })
  const { root } = site
  await paint(root, 'img/hero.png')
  const embedded: Plugin = {
    name: 'manifest-in-code',
    resolveId: id => (id === 'virtual:manifest' ? '\0manifest' : undefined),
    load: id =>
      id === '\0manifest'
        ? `export default ${readFileSync(join(root, 'dist/client/.vite/manifest.json'), 'utf8')}`
        : undefined,
  }
  const builder = await createBuilder({
    root,
    configFile: false,
    logLevel: 'silent',
    plugins: [upscale(UPSCALE), embedded],
    environments: {
      client: {
        build: {
          manifest: true,
          assetsInlineLimit: 0,
          outDir: 'dist/client',
          rollupOptions: { input: join(root, 'client.js') },
        },
      },
      ssr: { build: { outDir: 'dist/server', rollupOptions: { input: join(root, 'server.js') } } },
    },
  })
  for (const name of ['client', 'ssr']) {
    const environment = builder.environments[name]
    if (environment !== undefined) await builder.build(environment)
  }
  return readFile(join(root, 'dist/server/server.js'), 'utf8')
}

test('names of sources in it are no addresses', async () => {
  const code = await buildBoth("import manifest from 'virtual:manifest'\nexport default manifest\n")
  expect(code).toContain('img/hero.png?upscale=2')
})

test('an address beside it fails the build', async () => {
  const code =
    "import manifest from 'virtual:manifest'\nexport default [manifest, '/img/hero.png?upscale=2']\n"
  await expect(buildBoth(code)).rejects.toThrow(/LEFTOVER_REFERENCE/)
})
