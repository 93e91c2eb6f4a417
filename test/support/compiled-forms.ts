import { mkdir, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Form } from './expectations.ts'
import { picturesOf } from './forms.ts'
import { makeSite, type Site } from './site.ts'

const twice = (...names: string[]): Form[] => names.map(name => [name, `src/img/${name}.png`, 2])

/** Every form in fixtures/frameworks that all hosts with style sheets know. */
export const FRAMEWORK_FORMS: readonly Form[] = [
  ...twice('scss-plain', 'scss-interpolated', 'scss-variable', 'scss-mixin', 'scss-alias'),
  ...twice('scss-partial', 'scss-partial-interpolated'),
  ['scss-set', 'src/img/scss-set.png', 1, 2],
  ...twice('less-plain', 'less-interpolated', 'less-mixin', 'less-partial', 'less-escaped'),
  ...twice('vue-src', 'vue-alias', 'vue-source', 'vue-picture', 'vue-poster', 'vue-image', 'vue-import'),
  ...twice('vue-new-url', 'vue-bound-style', 'vue-scoped', 'vue-scss', 'vue-module'),
  ['vue-package', 'node_modules/pictures/vue-package.png', 2],
  ['vue-srcset', 'src/img/vue-srcset.png', 1, 2],
  ['vue-as-srcset', 'src/img/vue-as-srcset.png', 1, 2],
  ['vue-import-srcset', 'src/img/vue-import-srcset.png', 1, 2],
  ...twice('svelte-import', 'svelte-new-url', 'svelte-style'),
  ['svelte-srcset', 'src/img/svelte-srcset.png', 1, 2],
]

/** Those that only Vite knows: paths that it rebases, the public folder, Stylus without a loader. */
export const VITE_FRAMEWORK_FORMS: readonly Form[] = [
  ...FRAMEWORK_FORMS,
  ...twice('sass-indented', 'scss-deep', 'scss-deeper', 'less-deep'),
  ...twice('styl-plain', 'styl-interpolated', 'styl-partial'),
  ['scss-public', 'public/scss-public.png', 2],
  ...twice('jsx-import', 'vue-external', 'svelte-scss'),
  ['vue-public', 'public/vue-public.png', 2],
]

/** The project, with the frameworks that it needs at run time. */
export async function makeFrameworkSite(): Promise<Site> {
  const site = await makeSite('frameworks', picturesOf(VITE_FRAMEWORK_FORMS))
  const require = createRequire(import.meta.url)
  await mkdir(join(site.root, 'node_modules'), { recursive: true })
  for (const name of ['vue', 'svelte']) {
    await symlink(dirname(require.resolve(`${name}/package.json`)), join(site.root, 'node_modules', name))
  }
  return site
}
