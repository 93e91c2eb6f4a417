import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { paint } from '../support/pictures.ts'
import { makeProject, type Project } from './command.ts'

// What a person at a terminal is told speaks of what they can type.

let project: Project
beforeEach(async () => {
  project = await makeProject()
  await paint(project.root, 'hero.png')
})
afterEach(() => project.remove())

test.each(['logo.svg', 'logo.tiff', 'out/LOGO.ICO'])(
  '--out %s is an error, and makes no folder',
  async out => {
    const { code, stderr } = await project.run(['hero.png', '--out', out, '--engine', 'resize'])
    expect(code).toBe(2)
    expect(stderr).toContain('name a file that ends in .png, .jpg, .webp, .avif, .gif, or a folder')
    expect(existsSync(project.path(out))).toBe(false)
  },
)

test.each(['large.pjp', 'large.apng', 'large.jfif'])('--out %s is one file', async out => {
  const format = out.endsWith('.apng') ? 'png' : 'jpeg'
  const flags = ['--engine', 'resize', '--format', format]
  expect((await project.run(['hero.png', '--out', out, ...flags])).code).toBe(0)
  expect(existsSync(project.path(out))).toBe(true)
})

test('a hint about the format names the flag', async () => {
  const { code, stderr } = await project.run([
    ...['hero.png', '--out', 'large', '--engine', 'resize', '--quality', '80'],
  ])
  expect(code).toBe(1)
  expect(stderr).toContain('--format webp')
  expect(stderr).not.toMatch(/format=|quality=/)
})

test('plan finds what an absolute address of a built site means, as html does', async () => {
  await paint(project.root, 'site/img/deep.png')
  await project.write('site/posts/one.html', '<img src="/img/deep.png?upscale=2">')
  const { code, stdout } = await project.run(['plan', 'site', '--engine', 'resize', '--json'])
  expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, errors: [], images: [{ factor: 2 }] })
  const { images } = JSON.parse(stdout)
  expect(images[0].source).toBe(join('site', 'img/deep.png'))
})

test('on a host that keeps nothing, the line to add stands on a line of its own', async () => {
  const env = { GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: project.root }
  const { code, stderr } = await project.run(['hero.png', '--out', 'large', '--engine', 'resize'], { env })
  expect(code).toBe(0)
  expect(stderr.split('\n')).toContainEqual(
    expect.stringMatching(
      /^- \{ uses: actions\/cache@v5, with: \{ path: node_modules\/\.cache\/upscale, key: /,
    ),
  )
})
