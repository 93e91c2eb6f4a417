import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openSources, type SourceImage, type SourceLimits } from './source.ts'
import { stampOf } from './stamp.ts'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'upscale-source-')))
const root = join(folder, 'project')
const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')
const LIMITS: SourceLimits = { root, include: [], exclude: [], maxBytes: 1000 }

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(name: string, bytes: Uint8Array = PNG): string {
  const file = join(root, name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, bytes)
  return file
}

const readSource = async (file: string, limits: SourceLimits): Promise<SourceImage> =>
  openSources(limits).read(file)

describe('a source', () => {
  it('gives bytes, their digest, names and the format by the first bytes', async () => {
    const file = write('pictures/My hero.final.jpg')
    expect(await readSource(file, LIMITS)).toEqual({
      file,
      stamp: stampOf(file),
      name: 'pictures/My hero.final.jpg',
      stem: 'My hero.final',
      size: PNG.length,
      bytes: PNG,
      digest: createHash('sha256').update(PNG).digest('hex'),
      format: 'png',
    })
  })

  it('names the image in every refusal', async () => {
    await expect(readSource(join(root, 'a/missing.png'), LIMITS)).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      details: { file: 'a/missing.png' },
    })
  })

  it('counts bytes before reading', async () => {
    const file = write('large.png', Buffer.alloc(1001))
    await expect(readSource(file, LIMITS)).rejects.toThrow(/1001 bytes, allowed are 1000.*SOURCE_TOO_LARGE/)
    await expect(readSource(file, { ...LIMITS, maxBytes: 1001 })).rejects.toMatchObject({
      code: 'SOURCE_CORRUPT',
    })
  })

  it.each([
    ['folder', (path: string) => mkdirSync(path, { recursive: true })],
    ['named pipe', (path: string) => execFileSync('mkfifo', [path])],
  ])('refuses a %s at once', async (kind, make) => {
    mkdirSync(root, { recursive: true })
    const path = join(root, kind)
    make(path)
    await expect(readSource(path, LIMITS)).rejects.toMatchObject({ code: 'SOURCE_NOT_A_FILE' })
  })

  it('refuses a device even where it is included', async () => {
    const limits = { ...LIMITS, include: ['/dev'] }
    await expect(readSource('/dev/zero', limits)).rejects.toMatchObject({ code: 'SOURCE_NOT_A_FILE' })
  })
})

describe('the places that are read', () => {
  const outside = join(folder, 'shared/a.png')
  const inPackage = join(root, 'node_modules/pkg/a.png')
  const linked = join(root, 'linked.png')

  it.each([
    ['outside of the root', outside, /outside of the project's folder/],
    ['in node_modules', inPackage, /node_modules/],
    ['behind a link out of the root', linked, /it leads to/],
  ])('a file %s is refused, unless it or its folder is included', async (_where, file, says) => {
    for (const path of [outside, inPackage]) {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, PNG)
    }
    rmSync(linked, { force: true })
    symlinkSync(outside, linked)
    await expect(readSource(file, LIMITS)).rejects.toThrow(says)
    const folders = ['../shared', 'node_modules/pkg']
    expect((await readSource(file, { ...LIMITS, include: folders })).format).toBe('png')
    expect((await readSource(file, { ...LIMITS, include: [outside, inPackage] })).format).toBe('png')
    await expect(readSource(file, { ...LIMITS, include: ['../share', 'other'] })).rejects.toThrow(says)
  })

  it('a file in an excluded place is refused, even where it is included', async () => {
    const file = write('private/a.png')
    for (const exclude of [['private'], ['private/a.png'], [join(root, 'private')]]) {
      await expect(readSource(file, { ...LIMITS, include: ['private'], exclude })).rejects.toThrow(
        /excluded by/,
      )
    }
    expect((await readSource(file, { ...LIMITS, exclude: ['priv'] })).format).toBe('png')
  })

  it('a link into an excluded place is refused', async () => {
    write('private/a.png')
    const link = join(root, 'link-to-private.png')
    symlinkSync(join(root, 'private/a.png'), link)
    await expect(readSource(link, { ...LIMITS, exclude: ['private'] })).rejects.toThrow(/excluded by/)
  })

  it('a folder whose name begins with two dots is inside', async () => {
    const file = write('..pictures/a.png')
    expect((await readSource(file, LIMITS)).name).toBe('..pictures/a.png')
  })

  it('the root itself may be a link, and may lie in node_modules', async () => {
    write('a.png')
    const link = join(folder, 'link')
    symlinkSync(root, link)
    expect((await readSource(join(link, 'a.png'), { ...LIMITS, root: link })).name).toBe('a.png')
    const inner = join(root, 'node_modules/pkg')
    expect((await readSource(join(inner, 'a.png'), { ...LIMITS, root: inner })).name).toBe('a.png')
  })
})
