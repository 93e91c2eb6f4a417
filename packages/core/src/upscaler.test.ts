import { createHash } from 'node:crypto'
import { existsSync, linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import sharp from 'sharp'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { parseRecord, printRecord } from './cache/record.ts'
import type { FileEngine, FileRequest, PixelEngine } from './engines/engine.ts'
import { resize } from './engines/resize.ts'
import { isUpscaleError, UpscaleError } from './errors.ts'
import type { UpscaleRequest } from './request/directive.ts'
import type { UpscalerOptions } from './request/options.ts'
import { createUpscaler, type UpscaledImage, type Upscaler } from './upscaler.ts'

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'upscale-test-'))
  await picture('hero.png')
})

/** Writes a small picture with a gradient, so that a drifted answer is one that can be seen. */
async function picture(name: string, width = 24, height = 16, shade = 0): Promise<string> {
  const data = new Uint8Array(width * height * 3)
  for (let at = 0; at < data.length; at++) {
    const column = Math.floor(at / 3) % width
    data[at] = Math.min(255, Math.round((column / width) * 200) + shade + (at % 3) * 10)
  }
  const file = join(root, name)
  await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(file)
  return file
}

function start(options: UpscalerOptions = {}, env: Record<string, string> = {}): Upscaler {
  return createUpscaler({ engine: 'resize', ...options }, { root, env })
}

/** A service that enlarges honestly, counts its calls, and can be told to misbehave. */
function service(answer?: (request: FileRequest) => Promise<Uint8Array>, price = 60_000) {
  const calls: FileRequest[] = []
  const engine: FileEngine = {
    exchange: 'file',
    id: 'service',
    model: 'model',
    revision: '1',
    billing: 'paid',
    recovery: 'none',
    priceMicros: price,
    scaleFor: factor => (factor <= 2 ? 2 : undefined),
    checkParams: params => params,
    async upscale(request) {
      calls.push(request)
      const bytes = await (answer ?? enlarge)(request)
      return { bytes, costMicros: price, requestId: `req_${calls.length}` }
    },
  }
  return { engine, calls }
}

const enlarge = ({ png, width, height }: FileRequest): Promise<Uint8Array> =>
  sharp(png)
    .resize(width * 2, height * 2)
    .png()
    .toBuffer()

/** Records that say which answer belongs to which source. */
function aliasFiles(): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter(name => /[\\/]v1[\\/]sources[\\/].*\.json$/.test(name))
    .map(name => join(root, name))
}

function forgetHits(): void {
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' }))
    if (/hits\.jsonl$/.test(name)) rmSync(join(root, name))
}

async function refusal(work: Promise<UpscaledImage>): Promise<UpscaleError> {
  const error = await work.then(
    () => new Error('accepted'),
    (reason: unknown) => reason,
  )
  if (isUpscaleError(error)) return error
  throw error
}

describe('a picture', () => {
  test('comes out at the exact size, under a readable name, and is on disk', async () => {
    const image = await start().upscale('hero.png', { factor: 1.5 })
    expect(image).toMatchObject({ width: 36, height: 24, format: 'png', origin: 'engine', engine: 'resize' })
    expect(image.file).toMatch(/hero-1\.5x\.png$/)
    expect(await sharp(image.file).metadata()).toMatchObject({ width: 36, height: 24, format: 'png' })
  })

  test('is the same from the cache, also for a new process, and no engine runs', async () => {
    const first = await start().upscale('hero.png')
    const again = await start().upscale('hero.png')
    expect(again).toEqual({ ...first, origin: 'cache' })
  })

  test('has the format of the options, unless its reference says another', async () => {
    const upscaler = start({ format: 'webp' })
    const [usual] = upscaler.parse('hero.png?upscale=2')?.requests ?? []
    const [own] = upscaler.parse('hero.png?upscale=2&format=png')?.requests ?? []
    expect(await upscaler.upscale('hero.png', usual)).toMatchObject({ format: 'webp' })
    expect(await upscaler.upscale('hero.png')).toMatchObject({ format: 'webp', origin: 'cache' })
    expect(await upscaler.upscale('hero.png', own)).toMatchObject({ format: 'png' })
  })

  test('says what its engine chose for it, then and from the cache', async () => {
    const choosing = (chosen: string): PixelEngine => ({
      ...resize,
      quick: false,
      id: `choosing-${chosen.length}`,
      upscale: async (request, context) => ({ ...(await resize.upscale(request, context)), chosen }),
    })
    const rowOf = async (engine: PixelEngine): Promise<unknown> => {
      const upscaler = start({ engine })
      await upscaler.upscale('hero.png')
      return upscaler.report().images[0]
    }
    const photo = choosing('design and photo')
    expect(await rowOf(photo)).toMatchObject({ origin: 'engine', chosen: 'design and photo' })
    expect(await rowOf(photo)).toMatchObject({ origin: 'cache', chosen: 'design and photo' })
    expect(await start({ engine: photo }).examine('hero.png')).toMatchObject({ chosen: 'design and photo' })
    expect(await rowOf(choosing('red\x1b[31m'))).not.toHaveProperty('chosen')
  })

  test('is found again after it was moved and renamed', async () => {
    const { engine, calls } = service()
    await start({ engine }).upscale('hero.png')
    await mkdir(join(root, 'img'))
    await picture('img/other.png')
    const moved = await start({ engine }).upscale('img/other.png')
    expect(calls).toHaveLength(1)
    expect(moved.file).toMatch(/other-2x\.png$/)
  })

  test('is not another one’s of the same name and size, whose alias stands in the place of its own', async () => {
    const { engine, calls } = service()
    await mkdir(join(root, 'other'))
    await picture('other/hero.png', 24, 16, 40)
    const own = await start({ engine }).upscale('hero.png')
    const aliases = aliasFiles()
    const theirs = await start({ engine }).upscale('other/hero.png')
    const [exchanged] = aliases
    const [other] = aliasFiles().filter(file => !aliases.includes(file))
    if (exchanged === undefined || other === undefined) throw new Error('no aliases')
    const keyOf = (file: string): string => basename(file, '.json')
    const record = parseRecord(readFileSync(other, 'utf8'), keyOf(other))
    if (typeof record !== 'object') throw new Error('no record')
    writeFileSync(exchanged, printRecord(keyOf(exchanged), record))
    forgetHits()
    const again = await start({ engine }).upscale('hero.png')
    expect(theirs.digest).not.toBe(own.digest)
    expect(again.digest).toBe(own.digest)
    expect(calls).toHaveLength(2)
  })

  test('of the same pixels in two files is found again for both', async () => {
    const file = await picture('twin.png')
    await mkdir(join(root, 'twin'))
    await sharp(file)
      .withExif({ IFD0: { Artist: 'another' } })
      .png()
      .toFile(join(root, 'twin/twin.png'))
    const first = await start().upscale('twin.png')
    const second = await start().upscale('twin/twin.png')
    expect(second.digest).toBe(first.digest)
    expect(await start().upscale('twin.png')).toEqual({ ...first, origin: 'cache' })
    expect(await start().upscale('twin/twin.png')).toEqual({ ...second, origin: 'cache' })
  })

  test('follows an edited source', async () => {
    const upscaler = start()
    const first = await upscaler.upscale('hero.png')
    await picture('hero.png', 24, 16, 40)
    const second = await upscaler.upscale('hero.png')
    expect(second.digest).not.toBe(first.digest)
    expect(second.origin).toBe('engine')
  })

  test('that is edited while it waits for its turn is made from what is there then, and says so', async () => {
    const gate: { open?: () => void } = {}
    const opened = new Promise<void>(resolve => {
      gate.open = resolve
    })
    const engine: PixelEngine = {
      ...resize,
      id: 'gated',
      upscale: async (request, context) => {
        await opened
        return resize.upscale(request, context)
      },
    }
    const upscaler = start({ engine, concurrency: 1 })
    await picture('twin.png')
    await mkdir(join(root, 'twin'))
    await picture('twin/twin.png')
    const before = await Promise.all(
      [1, 2, 3, 4, 5, 6].map(shade => picture(`first-${shade}.png`, 24, 16, shade)),
    )
    const first = before.map(file => upscaler.upscale(file))
    const waiting = [upscaler.upscale('twin.png'), upscaler.upscale('twin/twin.png')]
    const edited = await picture('twin.png', 24, 16, 40)
    gate.open?.()
    await Promise.all(first)
    const [changed, same] = await Promise.all(waiting)
    expect(changed?.source.digest).toBe(createHash('sha256').update(readFileSync(edited)).digest('hex'))
    expect(await start({ engine }).upscale('twin.png')).toEqual({ ...changed, origin: 'cache' })
    expect(await start({ engine }).upscale('twin/twin.png')).toEqual({ ...same, origin: 'cache' })
    expect(same?.digest).not.toBe(changed?.digest)
  })

  test('is made once when it is asked for many times at once', async () => {
    const { engine, calls } = service()
    const upscalers = [start({ engine }), start({ engine })]
    const images = await Promise.all(upscalers.flatMap(one => [1, 2, 3].map(() => one.upscale('hero.png'))))
    expect(calls).toHaveLength(1)
    expect(new Set(images.map(({ digest }) => digest)).size).toBe(1)
  })

  test('is made again when its finished file is damaged', async () => {
    const first = await start().upscale('hero.png')
    const bytes = readFileSync(first.file)
    bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1
    writeFileSync(first.file, bytes)
    const notices: string[] = []
    const upscaler = createUpscaler(
      { engine: 'resize' },
      { root, env: {}, onNotice: text => notices.push(text) },
    )
    const again = await upscaler.upscale('hero.png')
    expect(again.digest).toBe(first.digest)
    expect(notices.join()).toContain('quarantined')
  })
})

test('four small pictures are worked on at a time, and two large ones', async () => {
  const mostAtOnce = async (width: number, expected: number): Promise<number> => {
    let running = 0
    let most = 0
    const engine: PixelEngine = {
      ...resize,
      id: 'counting',
      async upscale({ image }) {
        most = Math.max(most, ++running)
        // Others come as far as they are let.
        for (let round = 0; round < 300 || (most < expected && round < 30_000); round++)
          await new Promise(setImmediate)
        running--
        const [wide, high] = [2 * image.width, 2 * image.height]
        return { data: new Uint8Array(wide * high * 3), width: wide, height: high, channels: 3 }
      },
    }
    const upscaler = start({ engine, concurrency: 8 })
    const names = await Promise.all(
      [0, 1, 2, 3, 4, 5].map(at => picture(`${width}-${at}.png`, width, width, at)),
    )
    await Promise.all(names.map(name => upscaler.upscale(name)))
    return most
  }
  expect(await mostAtOnce(20, 4)).toBe(4)
  expect(await mostAtOnce(1100, 2)).toBe(2)
})

test('a host that takes the pictures as they come finds none of them in the report', async () => {
  const origins: string[] = []
  const onImage = ({ origin }: { readonly origin: string }): void => void origins.push(origin)
  const upscaler = createUpscaler({ engine: 'resize' }, { root, env: {}, onImage })
  for (let time = 0; time < 2; time++) await upscaler.upscale('hero.png')
  expect(origins).toEqual(['engine', 'cache'])
  expect(upscaler.report().images).toEqual([])
})

describe('the answer of a quick engine', () => {
  const scratch = () => join(root, 'node_modules/.cache/upscale/v1')

  test('is not kept, and its file is found step by step as well', async () => {
    const { digest } = await start().upscale('hero.png')
    expect(readdirSync(scratch()).sort()).toEqual(['hits.jsonl', 'outputs', 'sources'])
    rmSync(join(scratch(), 'hits.jsonl'))
    expect(await start().upscale('hero.png')).toMatchObject({ origin: 'cache', digest })
  })

  test('is made again for another format', async () => {
    await start().upscale('hero.png')
    expect(await start().plan('hero.png', { format: 'webp' })).toMatchObject({ state: 'missing' })
    expect(await start().upscale('hero.png', { format: 'webp' })).toMatchObject({ origin: 'engine' })
    expect(await start().upscale('hero.png')).toMatchObject({ origin: 'cache' })
  })

  test('is kept where the engine is not quick, and serves other formats', async () => {
    const engines = { slow: { ...resize, quick: false } }
    await start({ engine: 'slow', engines }).upscale('hero.png')
    expect(readdirSync(scratch())).toContain('answers')
    expect(await start({ engine: 'slow', engines }).upscale('hero.png', { format: 'webp' })).toMatchObject({
      origin: 'cache',
    })
  })

  test('is kept as the file that ships, where that shows it sample by sample', async () => {
    const engines = { slow: { ...resize, quick: false } }
    const answerOf = async (name: string, request: Partial<UpscaleRequest>): Promise<[string, string]> => {
      await picture(name, 30, 20, name.length)
      const { digest } = await start({ engine: 'slow', engines }).upscale(name, request)
      const kept = await start({ engine: 'slow', engines }).answer(name, request)
      expect(kept.origin).toBe('cache')
      return [digest, kept.digest]
    }
    const [file, answer] = await answerOf('one.png', {})
    expect(file).toBe(answer)
    const [webp, other] = await answerOf('other.png', { format: 'webp' })
    expect(webp).not.toBe(other)
  })

  test('can not be asked for without its file', async () => {
    await expect(start().answer('hero.png')).rejects.toMatchObject({ code: 'BAD_OPTION' })
  })
})

describe('a paid answer', () => {
  test('is not bought again for another quality or format, nor after the scratch folder was deleted', async () => {
    const { engine, calls } = service()
    await start({ engine }).upscale('hero.png')
    await start({ engine }).upscale('hero.png', { format: 'webp', quality: 60 })
    rmSync(join(root, 'node_modules'), { recursive: true })
    const image = await start({ engine }).upscale('hero.png')
    expect(calls).toHaveLength(1)
    expect(image.origin).toBe('cache')
  })

  test('is kept before it is looked at, refused once, and not bought again', async () => {
    const { engine, calls } = service(async ({ png, width }) =>
      sharp(png)
        .resize(width * 2, 8, { fit: 'fill' })
        .png()
        .toBuffer(),
    )
    const error = await refusal(start({ engine }).upscale('hero.png'))
    expect(error.code).toBe('ANSWER_WRONG_ASPECT')
    expect(error.message).toMatch(/hero\.png[\s\S]*request req_1[\s\S]*US\$0\.06/)
    const kept = readdirSync(join(root, '.upscale'), { recursive: true }).filter(name =>
      /rejected.*answer/.test(String(name)),
    )
    expect(kept).toHaveLength(1)
    const again = await refusal(start({ engine }).upscale('hero.png'))
    expect(again).toMatchObject({
      code: 'ANSWER_WRONG_ASPECT',
      message: expect.stringContaining('nothing was sent'),
    })
    expect(calls).toHaveLength(1)
  })

  test('that is larger than asked for is reduced to the exact size', async () => {
    const { engine } = service(({ png, width, height }) =>
      sharp(png)
        .resize(width * 4, height * 4)
        .png()
        .toBuffer(),
    )
    expect(await start({ engine }).upscale('hero.png')).toMatchObject({ width: 48, height: 32 })
  })

  test('is never asked for when frozen, and the message says what it would cost', async () => {
    const { engine, calls } = service()
    const error = await refusal(start({ engine }, { CI: 'true' }).upscale('hero.png'))
    expect(error).toMatchObject({ code: 'FROZEN_MISS', message: expect.stringContaining('US$0.06') })
    expect(calls).toHaveLength(0)
    await start({ engine }).upscale('hero.png')
    expect((await start({ engine }, { CI: 'true' }).upscale('hero.png')).origin).toBe('cache')
  })

  test('is not asked for beyond the budget', async () => {
    const { engine, calls } = service()
    await picture('b.png', 20, 20, 30)
    const upscaler = start({ engine, budget: 0.1 })
    const results = await Promise.allSettled([upscaler.upscale('hero.png'), upscaler.upscale('b.png')])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(calls).toHaveLength(1)
    expect(upscaler.report()).toMatchObject({
      spentMicros: 60_000,
      refused: [{ error: { code: 'BUDGET_EXCEEDED' } }],
    })
  })

  test('stops all further calls once the service refused the key', async () => {
    const { engine, calls } = service(async () => {
      throw new UpscaleError('API_UNAUTHORIZED', 'the key is wrong', { hint: 'check the key' })
    })
    await picture('b.png', 20, 20, 30)
    const upscaler = start({ engine, concurrency: 1 })
    await refusal(upscaler.upscale('hero.png'))
    const second = await refusal(upscaler.upscale('b.png'))
    expect(second).toMatchObject({ code: 'API_UNAUTHORIZED', message: expect.stringContaining('not sent') })
    expect(second.message).toContain('b.png')
    expect(calls).toHaveLength(1)
    expect(upscaler.report().spentMicros).toBe(0)
  })

  test('gets opaque colours, and the source’s alpha is put back', async () => {
    const data = new Uint8Array(16 * 16 * 4).map(
      (_, at) => [200, 40, 40, Math.floor(at / 4) % 16 < 8 ? 255 : 0][at % 4] ?? 0,
    )
    await sharp(data, { raw: { width: 16, height: 16, channels: 4 } })
      .png()
      .toFile(join(root, 'logo.png'))
    const { engine, calls } = service()
    const image = await start({ engine }).upscale('logo.png')
    expect(await sharp(calls[0]?.png).metadata()).toMatchObject({ channels: 3, hasAlpha: false })
    const { data: pixels } = await sharp(image.file).raw().toBuffer({ resolveWithObject: true })
    expect([...pixels.subarray(0, 4)]).toEqual([200, 40, 40, 255])
    expect(pixels[31 * 4 + 3]).toBe(0)
  })
})

test('a plan agrees with the run that follows, and changes nothing', async () => {
  const { engine, calls } = service()
  const planned = await start({ engine }).plan('hero.png')
  expect(planned).toEqual({
    answerKey: expect.stringMatching(/^[0-9a-f]{64}$/),
    source: 'hero.png',
    factor: 2,
    engine: 'service',
    state: 'missing',
    priceMicros: 60_000,
  })
  expect(readdirSync(root)).toEqual(['hero.png'])
  await start({ engine }).upscale('hero.png')
  expect(calls).toHaveLength(1)
  expect(await start({ engine }).plan('hero.png')).toMatchObject({ state: 'finished', priceMicros: 0 })
  expect(await start({ engine }).plan('hero.png', { format: 'webp' })).toMatchObject({ state: 'answered' })
  // Without the journal of hits the picture is found as well, and a plan doesn't write one.
  const journal = join(root, 'node_modules/.cache/upscale/v1/hits.jsonl')
  rmSync(journal)
  expect(await start({ engine }).plan('hero.png')).toMatchObject({ state: 'finished' })
  expect(existsSync(journal)).toBe(false)
})

describe('a stand-in', () => {
  const broken = () =>
    service(async () => {
      throw new UpscaleError('API_UNAVAILABLE', 'the service is down', { hint: 'wait' })
    })

  test('is the picture as it is, and says so', async () => {
    const { engine } = broken()
    const upscaler = start({ engine, onError: 'original' })
    const image = await upscaler.upscale('hero.png')
    expect(image).toMatchObject({ origin: 'fallback', width: 24, height: 16 })
    expect(readFileSync(image.file)).toEqual(readFileSync(join(root, 'hero.png')))
    expect(upscaler.report().notices.join()).toMatch(
      /hero\.png: shipped as it is, because the service is down/,
    )
  })

  test('is resampled, and is not taken for the engine’s answer later', async () => {
    const { engine } = broken()
    const image = await start({ engine, onError: 'resize' }).upscale('hero.png')
    expect(image).toMatchObject({ origin: 'fallback', engine: 'resize', width: 48, height: 32 })
    const good = service()
    expect(await start({ engine: good.engine, retry: true }).upscale('hero.png')).toMatchObject({
      origin: 'engine',
    })
    expect(good.calls).toHaveLength(1)
  })

  test('can be asked for by a preset alone', async () => {
    const { engine } = broken()
    const upscaler = start({ engine, presets: { soft: { onError: 'resize' } } })
    const [request] = upscaler.parse('hero.png?upscale=soft')?.requests ?? []
    expect(await upscaler.upscale('hero.png', request)).toMatchObject({ origin: 'fallback' })
    expect((await refusal(upscaler.upscale('hero.png', { factor: 2 }))).code).toMatch(
      /^(API_UNAVAILABLE|CALL_UNCERTAIN)$/,
    )
  })

  test('never covers a broken source', async () => {
    writeFileSync(join(root, 'broken.png'), readFileSync(join(root, 'hero.png')).subarray(0, 60))
    expect((await refusal(start({ onError: 'original' }).upscale('broken.png'))).code).toBe('SOURCE_CORRUPT')
    expect((await refusal(start({ onError: 'resize' }).upscale('gone.png'))).code).toBe('SOURCE_NOT_FOUND')
  })
})

describe('what is refused', () => {
  test('a missing file, with the place of the reference', async () => {
    const importer = { file: 'src/main.ts', line: 12 }
    const error = await refusal(
      start().upscale('gone.png', {}, { reference: './gone.png?upscale=2', importer }),
    )
    expect(error.code).toBe('SOURCE_NOT_FOUND')
    expect(error.message).toMatch(
      /gone\.png[\s\S]*"\.\/gone\.png\?upscale=2" in src\/main\.ts:12[\s\S]*fix: /,
    )
  })

  test('a factor that the engine can’t reach', async () => {
    const { engine } = service()
    expect((await refusal(start({ engine }).upscale('hero.png', { factor: 3 }))).code).toBe(
      'FACTOR_UNSUPPORTED',
    )
  })

  test('an engine of the user’s that answers with the wrong size', async () => {
    const broken: PixelEngine = { ...resize, id: 'broken', upscale: async ({ image }) => image }
    expect((await refusal(start({ engine: broken }).upscale('hero.png'))).code).toBe('ENGINE_FAILED')
  })

  test('an engine of the user’s that throws anything', async () => {
    const broken: PixelEngine = { ...resize, id: 'broken', upscale: () => Promise.reject('out of paper') }
    const error = await refusal(start({ engine: broken }).upscale('hero.png'))
    expect(error).toMatchObject({ code: 'ENGINE_FAILED', message: expect.stringContaining('out of paper') })
  })

  test('a wait that is given up, while the work goes on', async () => {
    const { engine, calls } = service(async request => {
      await new Promise(resolve => setTimeout(resolve, 50))
      return enlarge(request)
    })
    const upscaler = start({ engine })
    const other = upscaler.upscale('hero.png')
    await refusal(upscaler.upscale('hero.png', {}, { signal: AbortSignal.abort() }))
    expect(await other).toMatchObject({ origin: 'engine' })
    expect(calls).toHaveLength(1)
  })
})

describe('a picture that is known already', () => {
  afterEach(() => void vi.useRealTimers())

  /** A later run than that which read the files, at a time when nobody can have written to them unnoticed. */
  function startLater(options: UpscalerOptions = {}): Upscaler {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 })
    return start(options)
  }

  async function know(options: UpscalerOptions = {}): Promise<UpscaledImage> {
    for (const run of [start(options), startLater(options)]) {
      await run.upscale('hero.png', REQUEST)
      await run.close()
    }
    const later = startLater(options)
    const image = await later.upscale('hero.png', REQUEST)
    await later.close()
    return image
  }

  const REQUEST = { factor: 2, engine: 'resize', params: {} }

  test('is given at once, as it would be otherwise, and counted', async () => {
    const image = await know()
    const later = startLater()
    expect(later.recall('hero.png', REQUEST)).toEqual(image)
    expect(later.report().images).toMatchObject([{ source: 'hero.png', origin: 'cache' }])
    await later.close()
  })

  test('is not when somebody wrote to it, when its file is gone, or when another one is wanted', async () => {
    const { file } = await know()
    const later = startLater()
    expect(later.recall('hero.png', { ...REQUEST, factor: 3 })).toBeUndefined()
    const bytes = readFileSync(file)
    writeFileSync(file, bytes)
    expect(later.recall('hero.png', REQUEST)).toBeUndefined()
    await later.close()
    await know()
    rmSync(file)
    expect(startLater().recall('hero.png', REQUEST)).toBeUndefined()
    await know()
    await picture('hero.png', 24, 16, 9)
    expect(startLater().recall('hero.png', REQUEST)).toBeUndefined()
  })

  test('is by a second name of its file, until one of the two is gone', async () => {
    const { file } = await know()
    const folder = join(root, 'links')
    await mkdir(folder)
    linkSync(file, join(folder, basename(file)))
    // What is known of the file is known anew: another name is a change of it.
    const { file: same } = await know()
    expect(startLater().recall('hero.png', REQUEST, folder)).toMatchObject({ file: same })
    expect(startLater().recall('hero.png', REQUEST, join(root, 'elsewhere'))).toBeUndefined()
    rmSync(same)
    expect(startLater().recall('hero.png', REQUEST, folder)).toBeUndefined()
  })

  test('and was paid for is compared with the list of what was bought', async () => {
    const { engine, calls } = service()
    const options = { engines: { service: engine }, engine: 'service', frozen: false }
    for (const run of [start(options), startLater(options)]) {
      await run.upscale('hero.png')
      await run.close()
    }
    const later = startLater(options)
    const request = { ...REQUEST, engine: 'service' }
    const image = await later.upscale('hero.png')
    expect(later.recall('hero.png', request)).toEqual(image)
    await later.close()
    const list = join(root, '.upscale/manifest.json')
    writeFileSync(list, readFileSync(list, 'utf8').replaceAll(/[0-9a-f]{64}/g, 'f'.repeat(64)))
    expect(startLater(options).recall('hero.png', request)).toBeUndefined()
    expect(calls).toHaveLength(1)
  })
})
