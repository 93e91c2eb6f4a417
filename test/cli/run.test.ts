import { mkdir, readdir, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { paint } from '../support/pictures.ts'
import { readTree } from '../support/site.ts'
import { look, makeProject, type Project } from './command.ts'

let project: Project

beforeEach(async () => {
  project = await makeProject()
})
afterEach(() => project.remove())

const PLAIN = ['--engine', 'resize']

async function paintAll(...names: string[]): Promise<void> {
  await Promise.all(names.map(name => paint(project.root, name)))
}

describe('a folder', () => {
  test('is mirrored, every picture twice as large, whatever else lies in it', async () => {
    await paintAll('images/a.png', 'images/deep/er/b.jpg', 'images/deep/c.webp')
    await project.write('images/notes.txt', 'not a picture')
    await project.write('images/.hidden.png', 'not looked at')
    const { code, stdout } = await project.run(['images/', '--out', 'dist/images', ...PLAIN])
    expect(code).toBe(0)
    expect([...(await readTree(project.path('dist/images'))).keys()]).toEqual([
      'a.png',
      'deep/c.webp',
      'deep/er/b.jpg',
    ])
    expect(await look(project.path('dist/images/a.png'))).toBe('40x24 png')
    expect(await look(project.path('dist/images/deep/er/b.jpg'))).toBe('40x24 jpeg')
    expect(await look(project.path('dist/images/deep/c.webp'))).toBe('40x24 webp')
    expect(stdout).toContain('3 upscaled')
  })

  test('is not written again when nothing changed, and only what changed is', async () => {
    await paintAll('images/a.png', 'images/b.png')
    const args = ['images', '--out', 'out', ...PLAIN]
    await project.run(args)
    const before = await Promise.all(['out/a.png', 'out/b.png'].map(name => stat(project.path(name))))
    const second = await project.run(args)
    expect(second.stdout).toContain('0 upscaled, 2 from the cache, 2 unchanged on disk')
    await paint(project.root, 'images/b.png', { left: [1, 2, 3], right: [4, 5, 6] })
    const third = await project.run(args)
    expect(third.stdout).toContain('1 upscaled, 1 from the cache, 1 unchanged on disk')
    const after = await Promise.all(['out/a.png', 'out/b.png'].map(name => stat(project.path(name))))
    expect(after[0]!.ino).toBe(before[0]!.ino)
    expect(after[1]!.ino).not.toBe(before[1]!.ino)
  })

  test('can hold its own output folder', async () => {
    await paintAll('a.png')
    await project.run(['.', '--out', 'out', ...PLAIN])
    const second = await project.run(['.', '--out', 'out', ...PLAIN])
    expect(second.stdout).toContain('1 from the cache')
    expect(await readdir(project.path('out'))).toEqual(['a.png'])
  })

  test('for results is rid of what a killed run left, once that is old', async () => {
    await paintAll('images/a.png')
    const old = 'out/.upscale-00000000-0000-4000-8000-000000000000'
    const fresh = 'out/deep/.upscale-00000000-0000-4000-8000-000000000001'
    await project.write(old, 'half a picture')
    await project.write(fresh, 'being written')
    await utimes(project.path(old), new Date(0), new Date(0))
    await project.run(['images', '--out', 'out', ...PLAIN])
    expect([...(await readTree(project.path('out'))).keys()]).toEqual(['a.png', fresh.slice('out/'.length)])
  })

  test('is done as far as possible when a picture is broken', async () => {
    await paintAll('images/a.png', 'images/c.png')
    await project.write('images/b.png', 'this is no picture')
    const { code, stdout, stderr } = await project.run(['images', '--out', 'out', ...PLAIN])
    expect(code).toBe(1)
    expect(stderr).toMatch(/b\.png: .*\[SOURCE_/)
    expect(stderr).toContain('fix:')
    expect(stdout).toContain('2 upscaled, 1 failed')
    expect(await readdir(project.path('out'))).toEqual(['a.png', 'c.png'])
  })

  test('without pictures is a mistake', async () => {
    await mkdir(project.path('empty'))
    const { code, stderr } = await project.run(['empty', '--out', 'out', ...PLAIN])
    expect(code).toBe(2)
    expect(stderr).toContain('no pictures in empty')
  })
})

describe('names', () => {
  test('with a suffix stand beside their sources and are not taken for sources', async () => {
    await paintAll('images/a.png', 'images/b.jpg')
    for (const _ of [1, 2]) {
      const { code } = await project.run(['images', '--suffix', '@2x', ...PLAIN])
      expect(code).toBe(0)
    }
    expect((await readdir(project.path('images'))).sort()).toEqual(['a.png', 'a@2x.png', 'b.jpg', 'b@2x.jpg'])
  })

  test.each(['@', '-'])('of several densities (%s2x, %s3x) are not taken for sources either', async mark => {
    await paintAll('images/a.png', 'images/box.png')
    for (const factor of ['2', '3', '2', '1.5']) {
      const { code } = await project.run([
        'images',
        '--suffix',
        `${mark}${factor}x`,
        '--factor',
        factor,
        ...PLAIN,
      ])
      expect(code).toBe(0)
    }
    const densities = (name: string): string[] => ['1.5', '2', '3'].map(one => `${name}${mark}${one}x.png`)
    const all = ['a.png', ...densities('a'), 'box.png', ...densities('box')]
    expect((await readdir(project.path('images'))).sort()).toEqual(all.sort())
  })

  test('that end in the suffix are sources like others when results go elsewhere', async () => {
    await paintAll('images/a.png', 'images/b@2x.png')
    await project.run(['images', '--out', 'out', '--suffix', '@2x', ...PLAIN])
    expect((await readdir(project.path('out'))).sort()).toEqual(['a@2x.png', 'b@2x@2x.png'])
  })

  test('may be patterns, which keep the folders after the first wildcard', async () => {
    await paintAll('in/x/a.png', 'in/y/b.png', 'in/y/c.jpg')
    const { code } = await project.run(['in/**/*.png', '--out', 'out', ...PLAIN])
    expect(code).toBe(0)
    expect([...(await readTree(project.path('out'))).keys()]).toEqual(['x/a.png', 'y/b.png'])
  })

  test('that look like patterns are files when they exist', async () => {
    await paintAll('photo[1].png')
    await project.run(['photo[1].png', '--out', 'out', ...PLAIN])
    expect(await look(project.path('out/photo[1].png'))).toBe('40x24 png')
  })

  test('of one picture may be given', async () => {
    await paintAll('a.png')
    await project.run(['a.png', '--out', 'big/large.png', ...PLAIN])
    expect(await look(project.path('big/large.png'))).toBe('40x24 png')
  })

  test('follow the format', async () => {
    await paintAll('in/a.png')
    await project.run(['in', '--out', 'out', '--format', 'webp', '--quality', '70', ...PLAIN])
    expect(await look(project.path('out/a.webp'))).toBe('40x24 webp')
  })

  test('that two results would share are refused for the second', async () => {
    await paintAll('in/a.png', 'in/a.jpg')
    const { code, stderr } = await project.run(['in', '--out', 'out', '--format', 'webp', ...PLAIN])
    expect(code).toBe(1)
    expect(stderr).toContain('would both be')
  })

  test('may lie outside of the working folder', async () => {
    await paintAll('elsewhere/in/a.png')
    await mkdir(project.path('here'))
    await project.write('here/upscale.config.mjs', 'export default { engine: "resize" }')
    const { code } = await project.run([
      'elsewhere/in',
      '--out',
      'out',
      '--config',
      'here/upscale.config.mjs',
    ])
    expect(code).toBe(0)
    expect(await look(project.path('out/a.png'))).toBe('40x24 png')
  })
})

describe('a source', () => {
  test.each([
    [['images', '--out', 'images']],
    [['images/a.png', '--out', 'images']],
    [['images/a.png', '--out', 'images/a.png']],
    [['images/a.png', '--out', 'link/a.png']],
  ])('is never overwritten: %j', async args => {
    await paintAll('images/a.png')
    await symlink(project.path('images'), project.path('link'))
    const before = await readTree(project.path('images'))
    const { code, stderr } = await project.run([...args, ...PLAIN])
    expect(code).not.toBe(0)
    expect(stderr).toContain('overwrite')
    expect(await readTree(project.path('images'))).toEqual(before)
  })
})

describe('an output folder that takes names which differ in case for one', () => {
  const env = (): Record<string, string> => ({
    FOLDED: project.path('mounted'),
    NODE_OPTIONS: `--import ${new URL('fold-names.mjs', import.meta.url)}`,
  })

  test.each(['mounted', 'mounted/new/images'])(
    'gets one of two such results, and the other is told: %s',
    async out => {
      await paintAll('images/Hero.png', 'images/hero.png', 'images/other.png')
      await mkdir(project.path('mounted'))
      const { code, stdout, stderr } = await project.run(['images', '--out', out, ...PLAIN], { env: env() })
      expect(code).toBe(1)
      expect(stderr).toMatch(/the results of this picture and of .*hero\.png would both be/i)
      expect(stdout).toContain('2 upscaled')
      expect(await readdir(project.path(out))).toEqual(['hero.png', 'other.png'])
    },
  )

  test('is not taken for another, where its pictures are named in other letters', async () => {
    await paintAll('mounted/hero.png')
    const before = await readTree(project.path('mounted'))
    const { stderr } = await project.run(['mounted/hero.png', '--out', 'mounted/HERO.PNG', ...PLAIN], {
      env: env(),
    })
    expect(stderr).toContain('overwrite')
    expect(await readTree(project.path('mounted'))).toEqual(before)
  })

  test('leaves both where the file system tells them apart', async () => {
    await paintAll('images/Hero.png', 'images/hero.png')
    const { code } = await project.run(['images', '--out', 'out', ...PLAIN])
    const names = await readdir(project.path('out'))
    expect([code, names.length]).toEqual(
      (await readdir(project.path('images'))).length === 2 ? [0, 2] : [0, 1],
    )
  })
})

describe('a size to reach', () => {
  test.each([
    ['30x', '30x18'],
    ['x24', '40x24'],
    ['50x24', '40x24'],
    ['30x90', '30x18'],
  ])('%s makes %s of 20x12', async (size, expected) => {
    await paintAll('a.png')
    const { code } = await project.run(['a.png', '--to', size, '--out', 'out', ...PLAIN])
    expect(code).toBe(0)
    expect(await look(project.path('out/a.png'))).toBe(`${expected} png`)
  })

  test('leaves out pictures that are large enough, or nearly', async () => {
    await paintAll('in/a.png')
    await writeFile(join(project.root, 'in/large.png'), await flat(100, 50))
    await writeFile(join(project.root, 'in/nearly.png'), await flat(36, 20))
    const { code, stdout } = await project.run([
      'in',
      '--to',
      '40x',
      '--min-gain',
      '1.2',
      '--out',
      'out',
      ...PLAIN,
    ])
    expect(code).toBe(0)
    expect(stdout).toContain('2 large enough already')
    expect(await readdir(project.path('out'))).toEqual(['a.png'])
  })
})

describe('a pipe', () => {
  test('takes a picture and gives one, and nothing else', async () => {
    const { code, bytes, stderr } = await project.run(['-', ...PLAIN], { input: await flat(10, 6) })
    expect(code).toBe(0)
    expect(await look(bytes)).toBe('20x12 png')
    expect(stderr).toBe('')
  })

  test('passes a picture on that is large enough', async () => {
    const picture = await flat(10, 6)
    const { bytes } = await project.run(['-', '--to', '8x', ...PLAIN], { input: picture })
    expect(bytes.equals(picture)).toBe(true)
  })

  test('says what is wrong with what it was given', async () => {
    const { code, stdout, stderr } = await project.run(['-', ...PLAIN], { input: Buffer.from('hello') })
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toContain('[SOURCE_')
  })
})

describe('the terminal', () => {
  test('gets one JSON document on stdout with --json', async () => {
    await paintAll('in/a.png')
    await project.write('in/b.png', 'broken')
    const { code, stdout } = await project.run(['in', '--out', 'out', '--json', ...PLAIN])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      images: expect.arrayContaining([
        expect.objectContaining({
          state: 'written',
          width: 40,
          height: 24,
          origin: 'engine',
          engine: 'resize',
        }),
        expect.objectContaining({
          state: 'failed',
          error: expect.objectContaining({ hint: expect.any(String) }),
        }),
      ]),
      counts: { written: 1, failed: 1 },
      spentMicros: 0,
      interrupted: false,
    })
  })

  test('gets a document too when nothing could be begun', async () => {
    const { code, stdout } = await project.run(['nothing', '--out', 'out', '--json'])
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'SOURCE_NOT_FOUND' } })
  })

  test('gets colours only where they are asked for', async () => {
    await project.write('in/b.png', 'broken')
    const args = ['in', '--out', 'out', ...PLAIN]
    expect((await project.run(args)).stderr).not.toContain('\u001b')
    expect((await project.run(args, { env: { FORCE_COLOR: '1' } })).stderr).toContain('\u001b[31m')
    expect((await project.run(args, { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).stderr).not.toContain(
      '\u001b',
    )
  })

  test('gets nothing but results and errors with --quiet', async () => {
    await paintAll('in/a.png')
    expect((await project.run(['in', '--out', 'out', '--quiet', ...PLAIN])).stderr).toBe('')
  })

  test('hears of a plan without a file being written', async () => {
    await paintAll('in/a.png')
    const { code, stdout } = await project.run(['in', '--out', 'out', '--dry-run', ...PLAIN])
    expect(code).toBe(0)
    expect(stdout).toContain('missing')
    expect(await readdir(project.root)).toEqual(['in'])
  })
})

describe('a wrong command line', () => {
  test.each<[string[], RegExp]>([
    [['in'], /neither --out nor --suffix/],
    [['in', '--out', 'o', '--factor', '1'], /Expected a number above 1, 8 at most/],
    [['in', '--out', 'o', '--jobs', '0'], /whole number from 1 to 64/],
    [['in', '--out', 'o', '--to', '12'], /1600x, x900 or 1600x900/],
    [['in', '--out', 'o', '--to', '12x', '--factor', '2'], /both given/],
    [['in', '--out', 'o', '--min-gain', '2'], /--min-gain without --to/],
    [['in', '--out', 'o', '--engine', 'magic'], /unknown engine "magic"/],
    [['in', '--out', 'o', '--fallback', 'hope'], /Allowed choices are error, original, resize/],
    [['in', '--out', 'o', '--suffix', '../x'], /expected a part of a file name/],
    [['in', '--sufix', 'o'], /Did you mean --suffix/],
    [['-', 'in'], /stands alone/],
    [['plna'], /unknown command "plna", did you mean "plan"/],
    [['in/gone'], /no such file or folder/],
    [[], /Usage: upscale/],
  ])('%j ends with 2 and says why', async (args, why) => {
    await paintAll('in/a.png')
    const { code, stderr } = await project.run(args)
    expect(stderr).toMatch(why)
    expect(code).toBe(2)
  })

  test('is refused when a key would be readable in the page', async () => {
    await paintAll('in/a.png')
    const env = { VITE_LUMENFALL_API_KEY: 'canary-key' }
    const { code, stderr } = await project.run(['in', '--out', 'o'], { env })
    expect(code).toBe(2)
    expect(stderr).toContain('KEY_EXPOSED')
    expect(stderr).not.toContain('canary')
  })
})

describe('the config file', () => {
  test.each([
    ['upscale.config.mjs', 'export default { engine: "resize", factor: 3 }'],
    ['upscale.config.js', 'export default { engine: "resize", factor: 3 }'],
    [
      'upscale.config.ts',
      'interface Own { factor: number }\nconst own: Own = { factor: 3 }\nexport default { engine: "resize", ...own }',
    ],
  ])('%s is read, and flags win over it', async (name, text) => {
    await paintAll('a.png')
    await project.write(name, text)
    await project.write('package.json', '{ "type": "module" }')
    expect((await project.run(['a.png', '--out', 'three'])).code).toBe(0)
    expect(await look(project.path('three/a.png'))).toBe('60x36 png')
    await project.run(['a.png', '--out', 'two', '--factor', '2'])
    expect(await look(project.path('two/a.png'))).toBe('40x24 png')
  })

  test.each([
    ['export default { concurency: 3 }', /did you mean "concurrency"/],
    ['export default 3', /exports 3 \(number\)/],
    ['throw new Error("boom")', /config file failed: boom/],
  ])('%s is refused', async (text, why) => {
    await paintAll('a.png')
    await project.write('upscale.config.mjs', text)
    const { code, stderr } = await project.run(['a.png', '--out', 'o'])
    expect(stderr).toMatch(why)
    expect(code).toBe(2)
  })
})

async function flat(width: number, height: number): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: '#6699cc' } })
    .png()
    .toBuffer()
}
