import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeProject, type Project } from './command.ts'

let project: Project
beforeEach(async () => {
  project = await makeProject()
})
afterEach(() => project.remove())

const MAIN = `import hero from './hero.png?upscale=card&prompt=a%20hero'
import facts from './hero.png?upscale=card&as=metadata&seed=7'
export { facts, hero }
`

/** What the templates of Vite, of Next.js and of nobody in particular have; and where TypeScript then looks. */
test.each<[string, Readonly<Record<string, string>>, string]>([
  [
    'refers to others that include src',
    {
      'tsconfig.json':
        '{ "files": [], "references": [{ "path": "./tsconfig.app.json" }, { "path": "./tsconfig.node.json" }] }',
      'tsconfig.app.json': '{ /* of the app */ "compilerOptions": {}, "include": ["src"], }',
      'tsconfig.node.json': '{ "include": ["vite.config.ts"] }',
    },
    'src/upscale-env.d.ts',
  ],
  ['includes every file', { 'tsconfig.json': '{ "include": ["**/*.ts", "**/*.tsx"] }' }, 'upscale-env.d.ts'],
  ['says nothing of files', { 'tsconfig.json': '{}' }, 'upscale-env.d.ts'],
  [
    'includes patterns of a folder',
    { 'tsconfig.json': '{ "include": ["app/**/*.ts"] }' },
    'app/upscale-env.d.ts',
  ],
  [
    'extends one that includes a folder',
    { 'base.json': '{ "include": ["source"] }', 'tsconfig.json': '{ "extends": "./base.json" }' },
    'source/upscale-env.d.ts',
  ],
  ['is broken', { 'tsconfig.json': '{ "include": [' }, 'upscale-env.d.ts'],
  ['is not there', {}, 'upscale-env.d.ts'],
])('where tsconfig.json %s, the declarations go where it looks', async (_, files, place) => {
  for (const [name, text] of Object.entries(files)) await project.write(name, text)
  await project.write('src/main.ts', MAIN)
  await project.write('src/hero.png', 'a picture')
  const { code, stdout } = await project.run(['types'])
  expect({ code, stdout }).toEqual({ code: 0, stdout: `types in ${place}\n` })
  const text = await project.read(place)
  // Names of presets are those of a bundler's config, which the command doesn't read.
  expect(text).toContain(
    'declare module ".*/hero.png?upscale=card&prompt=a%20hero" {\n  const value: string\n',
  )
  expect(text).toContain('upscale=card&as=metadata&seed=7" {\n  const value: UpscaledImageMetadata\n')
})

test('they go where --out says, and only as declarations', async () => {
  await project.write('main.ts', MAIN)
  const { stdout } = await project.run(['types', '--out', 'types/pictures.d.ts', '--json'])
  expect(JSON.parse(stdout)).toMatchObject({ file: project.path('types/pictures.d.ts') })
  expect(await project.read('types/pictures.d.ts')).not.toContain('declare module')
  expect((await project.run(['types', '--out', 'pictures.ts'])).code).toBe(2)
})
