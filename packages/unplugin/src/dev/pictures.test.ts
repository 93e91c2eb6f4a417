import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { UpscaleError, type UpscaleRequest } from 'upscale-core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ProjectUpscaler } from '../project-upscaler.ts'
import { createDevPictures } from './pictures.ts'

const REQUEST: UpscaleRequest = { factor: 2, engine: 'resize', params: {} }
const MENTION = { reference: './bad.png?upscale=2', importer: undefined }

let root: string
let file: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'upscale-dev-pictures-'))
  file = join(root, 'bad.png')
  await writeFile(file, 'no picture')
})
afterEach(() => rm(root, { recursive: true, force: true }))

/** What is heard of an image that can't be decoded, when the work on it ends with an error after a while. */
async function failureOf(error: UpscaleError, ms: number): Promise<unknown> {
  const options = { root, engine: 'resize', maxPixels: 1e6 } as ProjectUpscaler['options']
  const work = async (): Promise<never> => {
    await sleep(ms)
    throw error
  }
  const pictures = createDevPictures<never>({ options }, work, {
    onNews() {},
    onLateFailure() {},
    onLeftOut() {},
  })
  try {
    return await pictures.ask(file, REQUEST, MENTION).catch((failure: unknown) => failure)
  } finally {
    pictures.close()
  }
}

describe.each([
  ['at once', 0],
  ['later than a placeholder', 400],
])('a placeholder that can’t be made, where the work ends %s', (_, ms) => {
  test('is the failure of the work', async () => {
    const corrupt = new UpscaleError('SOURCE_CORRUPT', 'half of it is missing', { hint: 'fetch it again' })
    expect(await failureOf(corrupt, ms)).toBe(corrupt)
  })

  test('is told of the image when the work was left out', async () => {
    const leftOut = new UpscaleError('FROZEN_MISS', 'not here', { hint: 'build once' })
    expect(await failureOf(leftOut, ms)).toMatchObject({
      code: 'SOURCE_CORRUPT',
      message: expect.stringMatching(/bad\.png can't be decoded: .*\.\/bad\.png\?upscale=2/s),
    })
  })
})
