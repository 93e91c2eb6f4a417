import { hash } from 'node:crypto'
import { link, mkdir, mkdtemp, readdir, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { UpscaledImage, UpscaleRequest } from 'upscale-core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ProjectUpscaler } from './project-upscaler.ts'
import { createSlots } from './slots.ts'

const REQUEST: UpscaleRequest = { factor: 2, engine: 'resize', params: {} }
const MENTION = { reference: './a.png?upscale=2', importer: undefined }

let root: string
let calls: number
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'upscale-slots-'))
  calls = 0
})
afterEach(() => rm(root, { recursive: true, force: true }))

/** An upscaler whose result is the source's text in capitals, kept under its digest as the cache does. */
function projectUpscaler(): ProjectUpscaler {
  const finish = async (source: string): Promise<UpscaledImage> => {
    calls += 1
    const bytes = (await readFile(source, 'utf8')).toUpperCase()
    const digest = hash('sha256', bytes)
    const file = join(root, 'store', digest, 'a-2x.png')
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, bytes, { flag: 'wx' }).catch(() => {})
    const facts = {
      width: 2,
      height: 2,
      format: 'png',
      origin: 'cache',
      factor: 2,
      engine: 'resize',
    } as const
    return {
      ...facts,
      file,
      digest,
      size: bytes.length,
      source: { file: source, digest: '', width: 1, height: 1 },
    }
  }
  const options = { root, scratchDir: join(root, 'scratch'), engine: 'resize' }
  return { options, finish, recall: () => undefined } as unknown as ProjectUpscaler
}

async function source(text: string): Promise<string> {
  const file = join(root, 'a.png')
  await writeFile(file, text)
  return file
}

describe('a slot', () => {
  test('has the picture, under a name that is the same for every content', async () => {
    const slots = createSlots(projectUpscaler(), true)
    const first = await slots.fill(await source('one'), REQUEST, MENTION)
    const second = await slots.fill(await source('other'), REQUEST, MENTION)
    expect(second.file).toBe(first.file)
    expect(first.file).toMatch(/\/node_modules\/\.cache\/upscale\/slots\/[\da-f]{16}\/a-2x\.png$/)
    expect(await readFile(second.file, 'utf8')).toBe('OTHER')
  })

  test('has the picture also where it was removed between its making and its use', async () => {
    const upscaler = projectUpscaler()
    const finish: ProjectUpscaler['finish'] = async (...args) => {
      const image = await upscaler.finish(...args)
      if (calls === 1) await rm(image.file)
      return image
    }
    const slots = createSlots({ ...upscaler, finish }, false)
    const { file } = await slots.fill(await source('one'), REQUEST, MENTION)
    expect(await readFile(file, 'utf8')).toBe('ONE')
  })

  test('is a second name of the checked file, and is left alone while that is so', async () => {
    const file = await source('one')
    const { file: slot, image } = await createSlots(projectUpscaler(), false).fill(file, REQUEST, MENTION)
    const before = await stat(slot)
    expect(before.ino).toBe((await stat(image.file)).ino)
    await createSlots(projectUpscaler(), false).fill(file, REQUEST, MENTION)
    expect((await stat(slot)).ctimeMs).toBe(before.ctimeMs)
  })

  test.each(['damaged', 'ONE!'])('that was replaced by %j is filled again', async text => {
    const file = await source('one')
    const { file: slot } = await createSlots(projectUpscaler(), false).fill(file, REQUEST, MENTION)
    await unlink(slot)
    await writeFile(slot, text)
    await createSlots(projectUpscaler(), false).fill(file, REQUEST, MENTION)
    expect(await readFile(slot, 'utf8')).toBe('ONE')
  })

  test('that is a copy with the right bytes stays', async () => {
    const file = await source('one')
    const { file: slot } = await createSlots(projectUpscaler(), false).fill(file, REQUEST, MENTION)
    await unlink(slot)
    await writeFile(slot, 'ONE')
    const { ino } = await stat(slot)
    await createSlots(projectUpscaler(), false).fill(file, REQUEST, MENTION)
    expect((await stat(slot)).ino).toBe(ino)
  })

  test('leaves no temporary file behind, also when another build was faster', async () => {
    const file = await source('one')
    const { file: slot, image } = await createSlots(projectUpscaler(), false).fill(file, REQUEST, MENTION)
    await unlink(slot)
    await Promise.all([1, 2, 3].map(() => createSlots(projectUpscaler(), false).fill(file, REQUEST, MENTION)))
    await link(image.file, `${slot}.mine`)
    expect((await readdir(dirname(slot))).sort()).toEqual(['a-2x.png', 'a-2x.png.mine'])
  })
})

describe('work', () => {
  test('is done once for one source and request', async () => {
    const slots = createSlots(projectUpscaler(), false)
    const file = await source('one')
    await Promise.all([slots.fill(file, REQUEST, MENTION), slots.fill(file, REQUEST, MENTION)])
    await slots.fill(file, REQUEST, MENTION)
    expect(calls).toBe(1)
  })

  test('is done again for an edited source when watching', async () => {
    const slots = createSlots(projectUpscaler(), true)
    const { file: slot } = await slots.fill(await source('one'), REQUEST, MENTION)
    await slots.refresh(slot)
    expect(calls).toBe(1)
    await source('three')
    await slots.refresh(slot)
    expect(calls).toBe(2)
    expect(await readFile(slot, 'utf8')).toBe('THREE')
  })

  test('is done again after a failure', async () => {
    const slots = createSlots(projectUpscaler(), false)
    await expect(slots.fill(join(root, 'a.png'), REQUEST, MENTION)).rejects.toThrow('ENOENT')
    expect(await slots.fill(await source('one'), REQUEST, MENTION)).toMatchObject({ request: REQUEST })
  })

  test('that takes longer than that of a later edit does not replace it, whether it ends well or not', async () => {
    for (const first of ['one', 'fails']) {
      const { options, finish, recall } = projectUpscaler()
      let isRead = false
      let release: (() => void) | undefined
      const gate = new Promise<void>(resolve => (release = resolve))
      const slow: ProjectUpscaler['finish'] = async (...args) => {
        const image = await finish(...args)
        if (isRead) return image
        isRead = true
        await gate
        if (first === 'fails') throw new Error('refused')
        return image
      }
      const slots = createSlots({ options, finish: slow, recall }, true)
      const before = slots.fill(await source(first), REQUEST, MENTION)
      await vi.waitFor(() => expect(isRead).toBe(true))
      const file = await source('another')
      const after = await slots.fill(file, REQUEST, MENTION)
      const made = calls
      release?.()
      if (first === 'fails') await expect(before).rejects.toThrow('refused')
      else expect((await before).image.digest).toBe(after.image.digest)
      expect(await readFile(after.file, 'utf8')).toBe('ANOTHER')
      await slots.fill(file, REQUEST, MENTION)
      expect(calls).toBe(made)
    }
  })

  test('is not started for a path that is no slot', async () => {
    expect(await createSlots(projectUpscaler(), true).refresh('/elsewhere/a.png')).toBeUndefined()
  })
})
