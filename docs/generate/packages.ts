import { fileURLToPath } from 'node:url'
import { Application, type ProjectReflection, TSConfigReader } from 'typedoc'
import type { PluginOptions } from 'typedoc-plugin-markdown'

/** What the packages export, with its comments, as TypeDoc reads it. */
export interface Packages {
  readonly app: Application
  readonly project: ProjectReflection
}

const source = (path: string): string => fileURLToPath(new URL(`../../packages/${path}`, import.meta.url))

const OF_MARKDOWN = {
  entryFileName: 'index.md',
  hideBreadcrumbs: true,
  hidePageHeader: true,
  hidePageTitle: false,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  typeDeclarationFormat: 'table',
  useCodeBlocks: true,
  formatWithPrettier: false,
  pageTitleTemplates: { module: '{name}' },
  outputFileStrategy: 'modules',
} satisfies Partial<PluginOptions>

/** Reads the packages' entry points. @throws when there is nothing to read */
export async function readPackages(): Promise<Packages> {
  const app = await Application.bootstrapWithPlugins(
    {
      entryPoints: ['core', 'local', 'unplugin', 'server', 'cli'].map(name => source(`${name}/src/index.ts`)),
      tsconfig: fileURLToPath(new URL('../../tsconfig.json', import.meta.url)),
      plugin: ['typedoc-plugin-markdown'],
      excludeInternal: true,
      excludePrivate: true,
      // The type checker's work, done before any build.
      skipErrorChecking: true,
      excludeExternals: true,
      name: 'API',
      disableSources: true,
      readme: 'none',
      sort: ['source-order'],
      githubPages: false,
      logLevel: 'Warn',
      // Comments speak of the sources' own names, which aren't all exported.
      validation: { notExported: false, invalidLink: false, notDocumented: false },
      blockTags: ['@default', '@example', '@param', '@returns', '@throws', '@see', '@defaultValue'],
      ...OF_MARKDOWN,
    },
    [new TSConfigReader()],
  )
  const project = await app.convert()
  if (project === undefined || app.logger.hasErrors()) throw new Error('TypeDoc could not read the packages')
  for (const module of project.children ?? []) module.name = packageOf(module.name)
  return { app, project }
}

/** `core/src` is what users know as `upscale-core`. */
function packageOf(module: string): string {
  const folder = module.split('/')[0] ?? ''
  return folder === 'unplugin' ? 'unplugin-upscale' : `upscale-${folder}`
}
