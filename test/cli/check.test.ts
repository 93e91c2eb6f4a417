import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeProject, type Project } from './command.ts'

// The last look of the plugins as a command, for folders that something else built.

let project: Project
beforeEach(async () => {
  project = await makeProject()
})
afterEach(() => project.remove())

test('what is left is named with file and line, and ends with 1', async () => {
  await project.write('dist/index.html', '<p>x</p>\n<img src="a.png?upscale=2">')
  await project.write('dist/js/main.js', 'export const hero = "./b.png?upscale=2"\n')
  await project.write('dist/style.css', 'body { background: url(c.png?upscale=3) }\n')
  await project.write('dist/data.json', '{ "cover": "/d.png?upscale=2" }\n')
  const { code, stderr, stdout } = await project.run(['check', 'dist'])
  expect(code).toBe(1)
  expect(stdout).toBe('4 files searched, 4 tagged references left\n')
  for (const place of [
    '"a.png?upscale=2" in dist/index.html:2',
    '"./b.png?upscale=2" in dist/js/main.js:1',
    '"c.png?upscale=3" in dist/style.css:1',
    '"/d.png?upscale=2" in dist/data.json:1',
  ])
    expect(stderr).toContain(place)
})

test('texts about references, source maps, packages and caches are none', async () => {
  await project.write('.next/static/page.js', 'h("code", null, "./a.png?upscale=2")\n')
  await project.write('.next/static/page.js.map', '{ "sourcesContent": ["import \'./a.png?upscale=2\'"] }')
  await project.write('.next/cache/a.js', 'x = "./a.png?upscale=2"\n')
  await project.write('.next/node_modules/a/b.js', 'x = "./a.png?upscale=2"\n')
  const { code, stdout } = await project.run(['check', '.next', '--json'])
  expect({ code, ...JSON.parse(stdout) }).toEqual({ code: 0, files: 1, errors: [] })
})

test('whole addresses count under the base that is given', async () => {
  await project.write('out/index.html', '<img src="https://example.com/a.png?upscale=2">')
  expect((await project.run(['check', 'out'])).code).toBe(0)
  const { code, stdout } = await project.run(['check', 'out', '--base', 'https://example.com/', '--json'])
  expect(code).toBe(1)
  expect(JSON.parse(stdout).errors).toMatchObject([
    { code: 'LEFTOVER_REFERENCE', reference: 'https://example.com/a.png?upscale=2' },
  ])
})

test('a folder that is not there is an error', async () => {
  const { code, stderr } = await project.run(['check', 'dist'])
  expect(code).not.toBe(0)
  expect(stderr).toContain('SOURCE_NOT_FOUND')
})
