import { execFile } from 'node:child_process'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { createUpscaler, isUpscaleError, UpscaleError, type UpscalerOptions } from 'upscale-core'
import { openRemoteStore } from 'upscale-core/internal'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { lacks, startRedis } from '../support/servers.ts'
import { type FaultyStore, startFaultyStore } from './faulty-store.ts'
import { Machine, repeater, seller } from './machine.ts'
import { type SharedStore, STORE_KINDS, startS3 } from './shared-stores.ts'

describe.each(STORE_KINDS)('the remote cache in $name', ({ isMissing, start }) => {
  let store: SharedStore
  beforeAll(async () => {
    if (!isMissing) store = await start()
  })
  afterAll(() => store?.close())

  test.skipIf(isMissing)('gives a second machine what the first one made, without a call', async () => {
    const engine = repeater()
    const [first, second] = [await Machine.boot(3), await Machine.boot(3)]
    const names = ['0.png', '1.png', '2.png']
    const made = await first.build(engine, store.remoteCache, {}, names)
    const before = engine.calls
    expect(before).toBe(3)
    const fetched = await second.build(engine, store.remoteCache, {}, names)
    expect(engine.calls).toBe(before)
    expect(fetched.images.map(({ origin }) => origin)).toEqual(['remote', 'remote', 'remote'])
    expect(fetched.images.map(({ digest }) => digest)).toEqual(made.images.map(({ digest }) => digest))
    expect([...made.notices, ...fetched.notices]).toEqual([])
  })

  test.skipIf(isMissing)(
    'gives a second machine what the first one bought; it counts in a frozen build',
    async () => {
      const engine = seller()
      const [first, second, third] = [await Machine.boot(), await Machine.boot(), await Machine.boot()]
      const made = await first.build(engine, store.remoteCache)
      expect(engine.calls).toBe(1)
      const [fetched] = (await second.build(engine, store.remoteCache)).images
      expect(fetched).toMatchObject({ origin: 'remote', digest: made.images[0]?.digest })
      const manifest = await readFile(join(first.root, '.upscale/manifest.json'), 'utf8')
      expect(await readFile(join(second.root, '.upscale/manifest.json'), 'utf8')).toBe(manifest)
      const frozen = await third.build(engine, store.remoteCache, { frozen: true, budget: 0 })
      expect(frozen.images[0]?.origin).toBe('remote')
      expect(engine.calls).toBe(1)
    },
  )

  test.skipIf(isMissing)(
    'refuses wrong credentials; the build goes on, and nothing secret is said',
    async () => {
      const engine = repeater()
      const machine = await Machine.boot(3)
      const names = ['0.png', '1.png', '2.png']
      const { images, notices } = await machine.build(engine, store.refused, {}, names)
      expect(images.map(({ origin }) => origin)).toEqual(['engine', 'engine', 'engine'])
      expect(notices).toEqual([
        expect.stringMatching(/^the remote cache \(.*\) can't be used: .*(401|403|WRONGPASS)/),
      ])
      for (const secret of store.secrets) expect(await machine.find(secret)).toEqual([])
    },
  )

  test.skipIf(isMissing)('is written to by nobody who may only read', async () => {
    const engine = repeater()
    const [first, second] = [await Machine.boot(8), await Machine.boot(8)]
    const readOnly = { ...store.remoteCache, readOnly: true }
    await first.build(engine, readOnly, {}, ['7.png'])
    await second.build(engine, store.remoteCache, {}, ['7.png'])
    expect(engine.calls).toBe(2)
    const third = await Machine.boot(8)
    const env = { UPSCALE_REMOTE_CACHE_READONLY: '1' }
    expect((await third.build(engine, store.remoteCache, {}, ['7.png'], env)).images[0]?.origin).toBe(
      'remote',
    )
  })

  test.skipIf(isMissing)('keeps, reads and removes values for other parts of the project', async () => {
    const machine = await Machine.boot()
    const { options } = createUpscaler(
      { remoteCache: store.remoteCache, engine: 'resize' },
      { root: machine.root, env: {} },
    )
    const values = openRemoteStore(options.remoteCache ?? expect.fail('no settings'))
    onTestFinished(() => values.close())
    const bytes = Uint8Array.from({ length: 70_000 }, (_, at) => at % 251)
    expect(await values.get('upscale:test:none', 1000)).toBeUndefined()
    await values.put('upscale:test:one', bytes, 60)
    expect(await values.has('upscale:test:one')).toBe(true)
    expect(Buffer.from((await values.get('upscale:test:one', 70_000)) ?? [])).toEqual(Buffer.from(bytes))
    await expect(values.get('upscale:test:one', 1000)).rejects.toMatchObject({ code: 'ANSWER_TOO_LARGE' })
    await values.remove('upscale:test:one')
    expect(await values.has('upscale:test:one')).toBe(false)
  })
})

test.each([2, -2])(
  'an S3 whose clock is %d hours ahead of this machine is spoken to by its own clock',
  async hours => {
    const store = await startS3(hours * 3_600_000)
    onTestFinished(() => store.close())
    const engine = repeater()
    const [first, second] = [await Machine.boot(2), await Machine.boot(2)]
    const names = ['0.png', '1.png']
    const made = await first.build(engine, store.remoteCache, {}, names)
    const fetched = await second.build(engine, store.remoteCache, {}, names)
    expect(fetched.images.map(({ origin }) => origin)).toEqual(['remote', 'remote'])
    expect([...made.notices, ...fetched.notices]).toEqual([])
  },
)

describe('a store that', () => {
  let store: FaultyStore
  beforeAll(async () => {
    store = await startFaultyStore()
  })
  afterAll(() => store.close())

  /** One machine has made the picture, a second one asks for it. */
  async function prepare(
    engine = repeater(),
  ): Promise<{ engine: typeof engine; second: Machine; key: string }> {
    store.fault = { kind: 'honest' }
    store.values.clear()
    const first = await Machine.boot()
    await first.build(engine, store.url)
    const [key = expect.fail('nothing was stored')] = store.values.keys()
    return { engine, second: await Machine.boot(), key }
  }

  function damage(bytes: Buffer, at: number): Buffer {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 1
    return changed
  }

  test.each<[string, (parcel: Buffer) => Buffer]>([
    ['has a flipped bit in the picture', parcel => damage(parcel, parcel.length - 40)],
    ['has a flipped bit in the record', parcel => damage(parcel, 200)],
    ['lost its second half', parcel => parcel.subarray(0, parcel.length / 2)],
    ['lost all', () => Buffer.alloc(0)],
    ['has bytes behind its end', parcel => Buffer.concat([parcel, Buffer.from('more')])],
    ['holds a web page', () => Buffer.from('<html>welcome</html>')],
    [
      'holds a value of another version',
      parcel => Buffer.from(`upscale-parcel 2${parcel.toString('latin1').slice(16)}`, 'latin1'),
    ],
  ])('%s is not believed: one notice, the engine runs, and the store is mended', async (_, change) => {
    const { engine, second, key } = await prepare()
    const sound = store.values.get(key) ?? expect.fail()
    store.values.set(key, change(sound))
    const { images, notices } = await second.build(engine, store.url)
    expect(images[0]?.origin).toBe('engine')
    expect(notices).toEqual([
      expect.stringMatching(/^remote cache \(.*\): upscale:v1:answers:\w{64} is not used: /),
    ])
    const third = await Machine.boot()
    expect((await third.build(engine, store.url)).images[0]?.origin).toBe('remote')
  })

  test('holds the answer of another picture under this key gives nothing away', async () => {
    const engine = repeater()
    store.fault = { kind: 'honest' }
    store.values.clear()
    const first = await Machine.boot(2)
    await first.build(engine, store.url, {}, ['0.png', '1.png'])
    const [one = '', other = ''] = store.values.keys()
    const swapped = [store.values.get(other), store.values.get(one)]
    store.values.set(one, swapped[0] ?? Buffer.alloc(0))
    store.values.set(other, swapped[1] ?? Buffer.alloc(0))
    const second = await Machine.boot(2)
    const { images, notices } = await second.build(engine, store.url, {}, ['0.png', '1.png'])
    expect(images.map(({ origin }) => origin)).toEqual(['engine', 'engine'])
    expect(notices).toHaveLength(2)
  })

  test('was poisoned with a sound parcel of another picture is found out by looking at it', async () => {
    const { engine, second, key } = await prepare()
    const parcel = await poison(store.values.get(key) ?? expect.fail())
    store.values.set(key, parcel)
    const { images, notices } = await second.build(engine, store.url)
    expect(images[0]?.origin).toBe('engine')
    expect(notices).toEqual([expect.stringContaining('is not used')])
  })

  test('exchanged a paid answer for another one is stopped by manifest.json, and nothing is bought', async () => {
    store.fault = { kind: 'honest' }
    store.values.clear()
    const engine = seller()
    const [first, second] = [await Machine.boot(), await Machine.boot()]
    await first.build(engine, store.url)
    store.values.clear()
    // Another machine that knew nothing bought the same picture: another digest under the same key.
    const stranger = await Machine.boot()
    await stranger.build(engine, store.url)
    expect(engine.calls).toBe(2)
    await mkdir(join(second.root, '.upscale'))
    const { copyFile } = await import('node:fs/promises')
    await copyFile(join(first.root, '.upscale/manifest.json'), join(second.root, '.upscale/manifest.json'))
    await expect(second.build(engine, store.url)).rejects.toMatchObject({ code: 'CACHE_UNREADABLE' })
    expect(second.said.join()).toContain('manifest.json lists another answer')
    expect(engine.calls).toBe(2)
  })

  test('has an answer that manifest.json does not list is not used by a frozen build, but by one that can list it', async () => {
    store.fault = { kind: 'honest' }
    store.values.clear()
    const engine = seller()
    const [first, second] = [await Machine.boot(2), await Machine.boot(2)]
    await second.build(engine, false, {}, ['1.png'])
    await first.build(engine, store.url)
    expect(engine.calls).toBe(2)
    await expect(second.build(engine, store.url, { frozen: true })).rejects.toMatchObject({
      code: 'FROZEN_MISS',
    })
    expect((await second.build(engine, store.url)).images[0]?.origin).toBe('remote')
    expect(engine.calls).toBe(2)
    const lines = (await readFile(join(second.root, '.upscale/manifest.json'), 'utf8')).split('\n')
    expect(lines.filter(line => line.includes('sha256'))).toHaveLength(2)
  })

  test('cuts the line in the middle of an answer is like one that has no answer', async () => {
    const { engine, second } = await prepare()
    store.fault = { kind: 'truncate' }
    const { images, notices } = await second.build(engine, store.url)
    expect(images[0]?.origin).toBe('engine')
    expect(notices).toHaveLength(1)
  })

  test('sends without an end is left at the limit', async () => {
    const { engine, second } = await prepare()
    store.fault = { kind: 'endless' }
    const before = store.sentBytes
    const { images, notices } = await second.build(engine, store.url)
    expect(images[0]?.origin).toBe('engine')
    expect(notices[0]).toContain('is not used')
    // The limit is one megabyte and the picture; the rest is in the buffers of the two sockets.
    expect(store.sentBytes - before).toBeLessThan(32 * 1024 * 1024)
  })

  test.each([500, 503, 401, 403, 302])(
    'answers %i is left alone: one notice, few requests, no picture lost',
    async status => {
      const { engine } = await prepare()
      const machine = await Machine.boot(16)
      const names = Array.from({ length: 16 }, (_, at) => `${at}.png`)
      store.fault =
        status === 302 ? { kind: 'redirect', to: 'http://127.0.0.1:1/elsewhere' } : { kind: 'status', status }
      const before = store.requests.length
      const { images, notices } = await machine.build(engine, store.url, {}, names)
      expect(images.every(({ origin }) => origin === 'engine')).toBe(true)
      expect(notices).toEqual([expect.stringContaining("can't be used")])
      // Twelve are in hand at a time, and each may ask a second time before the first has told that nobody needs to.
      expect(store.requests.length - before).toBeLessThanOrEqual(24)
    },
  )

  test('never answers costs one wait, and the process can end', async () => {
    const { engine } = await prepare()
    const machine = await Machine.boot(16)
    const names = Array.from({ length: 16 }, (_, at) => `${at}.png`)
    store.fault = { kind: 'hang' }
    const before = store.requests.length
    const { images, notices } = await machine.build(engine, { url: store.url, timeoutMs: 500 }, {}, names)
    expect(images).toHaveLength(16)
    expect(notices).toEqual([expect.stringContaining('no answer within 0.5 s')])
    // As many as are asked for at a time.
    expect(store.requests.length - before).toBeLessThanOrEqual(12)
  })

  test('is not there is named once', async () => {
    const machine = await Machine.boot(12)
    const names = Array.from({ length: 12 }, (_, at) => `${at}.png`)
    const { notices } = await machine.build(repeater(), 'http://127.0.0.1:9/none', {}, names)
    expect(notices).toEqual([expect.stringContaining('127.0.0.1:9')])
  })

  test('holds claims has two machines that miss the same pictures at once pay for each once', async () => {
    store.fault = { kind: 'honest' }
    store.values.clear()
    const engine = seller()
    const names = Array.from({ length: 8 }, (_, at) => `${at}.png`)
    const machines = await Promise.all([Machine.boot(8), Machine.boot(8), Machine.boot(8)])
    const built = await Promise.all(machines.map(machine => machine.build(engine, store.url, {}, names)))
    expect(engine.calls).toBe(8)
    const digests = built.map(({ images }) => images.map(({ digest }) => digest))
    expect(digests[1]).toEqual(digests[0])
    expect(digests[2]).toEqual(digests[0])
    expect([...store.values.keys()].filter(path => path.includes('/claims/'))).toEqual([])
  })

  test.each([
    [{ kind: 'status', status: 503 }, "can't be used"],
    [{ kind: 'taken' }, 'holds no claims'],
  ] as const)(
    'fails while several pictures are about to be bought is done without: %o',
    async (fault, words) => {
      store.fault = fault
      store.values.clear()
      const engine = seller()
      const names = Array.from({ length: 4 }, (_, at) => `${at}.png`)
      const machine = await Machine.boot(4)
      const { images, notices } = await machine.build(engine, store.url, { concurrency: 4 }, names)
      expect([images.length, engine.calls]).toEqual([4, 4])
      expect(notices).toEqual([expect.stringContaining(words)])
    },
  )

  test('holds no claims is said so, and the build goes on', async () => {
    store.fault = { kind: 'honest' }
    store.values.clear()
    const base = (await Machine.boot()).root
    const machine = await Machine.boot(2)
    const { notices } = await machine.build(seller(), { driver: 'fs-lite', base }, {}, ['0.png', '1.png'])
    expect(notices).toEqual([expect.stringContaining('holds no claims')])
  })

  test('holds the claim of an owner who left a call in doubt names the doubt, and nothing is bought', async () => {
    store.fault = { kind: 'honest' }
    store.values.clear()
    const engine = seller()
    const original = engine.engine.upscale.bind(engine.engine)
    Object.assign(engine.engine, {
      upscale: async (...call: Parameters<typeof original>) => {
        await original(...call)
        throw new UpscaleError('API_INTERRUPTED', 'the line broke', { hint: 'look at the log' })
      },
    })
    const [first, second] = [await Machine.boot(), await Machine.boot()]
    await expect(first.build(engine, store.url)).rejects.toMatchObject({ code: 'API_INTERRUPTED' })
    await expect(second.build(engine, store.url)).rejects.toMatchObject({ code: 'CALL_UNCERTAIN' })
    expect(engine.calls).toBe(1)
  })

  test('took no answer of what another machine bought names that machine, and nothing is bought', async () => {
    store.fault = { kind: 'answerless' }
    store.values.clear()
    const engine = seller()
    const [first, second] = [await Machine.boot(), await Machine.boot()]
    await first.build(engine, store.url)
    const refused = await second.build(engine, store.url).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'CALL_UNCERTAIN' })
    expect(String(refused)).toContain(`is kept on ${hostname()}`)
    expect(engine.calls).toBe(1)
  })

  test('has many answers gives all of them to a frozen build that has no list', async () => {
    store.fault = { kind: 'honest' }
    store.values.clear()
    const engine = seller()
    const names = Array.from({ length: 12 }, (_, at) => `${at}.png`)
    const [first, second] = [await Machine.boot(12), await Machine.boot(12)]
    await first.build(engine, store.url, {}, names)
    const { images } = await second.build(engine, store.url, { frozen: true, concurrency: 1 }, names)
    expect(images.map(({ origin }) => origin)).toEqual(names.map(() => 'remote'))
    expect(engine.calls).toBe(12)
  })

  test('does not take what was bought leaves it where it is, with a notice', async () => {
    const engine = seller()
    const machine = await Machine.boot()
    store.fault = { kind: 'honest' }
    store.values.clear()
    const upscaler = createUpscaler(
      { engine: engine.engine, remoteCache: store.url },
      { root: machine.root, env: {} },
    )
    const original = engine.engine.upscale.bind(engine.engine)
    Object.assign(engine.engine, {
      upscale: async (...call: Parameters<typeof original>) => {
        // The store breaks down while the service works.
        store.fault = { kind: 'status', status: 500 }
        return original(...call)
      },
    })
    await upscaler.upscale('0.png')
    await upscaler.close()
    expect(upscaler.report().notices).toContain(
      '1 answer was not stored in the remote cache; kept in the cache of this machine',
    )
    expect((await machine.build(engine, false)).images[0]?.origin).toBe('cache')
    expect(engine.calls).toBe(1)
  })

  test('is asked nothing by a build whose pictures are all here', async () => {
    const { engine } = await prepare()
    const machine = await Machine.boot(5)
    const names = Array.from({ length: 5 }, (_, at) => `${at}.png`)
    await machine.build(engine, store.url, {}, names)
    const before = store.requests.length
    const { images } = await machine.build(engine, store.url, {}, names)
    expect(images.every(({ origin }) => origin === 'cache')).toBe(true)
    expect(store.requests.length).toBe(before)
  })

  test('is not even prepared for by a build whose pictures are all here: nothing is loaded', async () => {
    await prepare()
    const machine = await Machine.boot()
    // Prints the address of every module that is loaded.
    const hook = `import { writeSync } from "node:fs"
    export async function resolve(name, context, next) {
      const found = await next(name, context)
      writeSync(2, found.url + "\\n")
      return found
    }`
    const script = `
      import { register } from 'node:module'
      register('data:text/javascript,${encodeURIComponent(hook)}')
      const { createUpscaler } = await import('upscale-core')
      const engine = { id: 'copy', model: 'm', revision: '1', exchange: 'pixels', billing: 'free', priceMicros: 0,
        scaleFor: () => 2, checkParams: () => ({}),
        upscale: async ({ image: { data, width, height, channels } }) => {
          const large = new Uint8Array(data.length * 4)
          for (let at = 0; at < large.length; at++) {
            const pixel = Math.floor(at / channels)
            const [x, y] = [(pixel % (width * 2)) >> 1, Math.floor(pixel / (width * 2)) >> 1]
            large[at] = data[(y * width + x) * channels + (at % channels)]
          }
          return { data: large, width: width * 2, height: height * 2, channels }
        } }
      const upscaler = createUpscaler({ engine, remoteCache: '${store.url}', root: ${JSON.stringify(machine.root)} })
      console.log((await upscaler.upscale('0.png')).origin)
      await upscaler.close()`
    const first = await runAsync(script)
    expect(first.stdout.trim()).toBe('engine')
    expect(first.stderr).toMatch(/node_modules\/undici\//)
    const second = await runAsync(script)
    expect(second.stdout.trim()).toBe('cache')
    expect(second.stderr).not.toMatch(/node_modules\/(unstorage|ioredis|undici|sharp)\//)
  })

  test('has the picture makes a plan say so, and no price', async () => {
    store.fault = { kind: 'honest' }
    store.values.clear()
    const engine = seller()
    const [first, second] = [await Machine.boot(2), await Machine.boot(2)]
    await first.build(engine, store.url)
    const upscaler = createUpscaler(
      { engine: engine.engine, remoteCache: store.url },
      { root: second.root, env: {} },
    )
    expect(await upscaler.plan('0.png')).toMatchObject({ state: 'remote', priceMicros: 0 })
    expect(await upscaler.plan('1.png')).toMatchObject({ state: 'missing', priceMicros: 60_000 })
    await upscaler.close()
  })

  /** A parcel whose record and digests are right, with a picture that is not the source. */
  async function poison(parcel: Buffer): Promise<Buffer> {
    const { createHash } = await import('node:crypto')
    const head = /^upscale-parcel 1 (\d+)\n/.exec(parcel.subarray(0, 64).toString('latin1')) ?? expect.fail()
    const start = head[0].length
    const entry = parcel.subarray(start, start + Number(head[1])).toString()
    const { body } = JSON.parse(entry)
    const image = await sharp({
      create: { width: body.width, height: body.height, channels: 3, background: '#10ff20' },
    })
      .png()
      .toBuffer()
    const facts = { ...body, size: image.length, sha256: createHash('sha256').update(image).digest('hex') }
    const text = JSON.stringify(facts, undefined, 2)
    const check = createHash('sha256').update(text).digest('hex')
    const forged = `{\n  "check": "${check}",\n  "body": ${text}\n}\n`
    return Buffer.concat([Buffer.from(`upscale-parcel 1 ${Buffer.byteLength(forged)}\n${forged}`), image])
  }
})

describe.skipIf(lacks('redis-server'))('a Redis that', () => {
  test('is killed in the middle of a build is left alone', async () => {
    const server = await startRedis()
    onTestFinished(() => server.close())
    const engine = repeater()
    const machine = await Machine.boot(20)
    const names = Array.from({ length: 20 }, (_, at) => `${at}.png`)
    const original = engine.engine.upscale.bind(engine.engine)
    Object.assign(engine.engine, {
      upscale: async (...call: Parameters<typeof original>) => {
        const answer = await original(...call)
        if (engine.calls === 5) await server.kill()
        return answer
      },
    })
    const { images, notices } = await machine.build(engine, { url: server.url, timeoutMs: 2000 }, {}, names)
    expect(images).toHaveLength(20)
    expect(notices.filter(text => text.includes("can't be used"))).toHaveLength(1)
  })

  test('closes lines that are idle is spoken to on a new one', async () => {
    const server = await startRedis()
    onTestFinished(() => server.close())
    const machine = await Machine.boot()
    const { options } = createUpscaler(
      { remoteCache: server.url, engine: 'resize' },
      { root: machine.root, env: {} },
    )
    const values = openRemoteStore(options.remoteCache ?? expect.fail('no settings'))
    onTestFinished(() => values.close())
    await values.put('upscale:test:one', Buffer.from('one'))
    const { Redis } = await import('ioredis')
    const other = new Redis(server.url)
    await other.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    other.disconnect()
    // The first word on the dead line may be lost; whoever asks again is heard.
    await values.has('upscale:test:one').catch(() => undefined)
    expect(await values.has('upscale:test:one')).toBe(true)
  })

  test('hangs costs one wait', async () => {
    const server = await startRedis()
    onTestFinished(() => server.close())
    server.freeze()
    const machine = await Machine.boot(20)
    const names = Array.from({ length: 20 }, (_, at) => `${at}.png`)
    const { images, notices } = await machine.build(
      repeater(),
      { url: server.url, timeoutMs: 500 },
      {},
      names,
    )
    expect(images).toHaveLength(20)
    expect(notices).toEqual([expect.stringContaining("can't be used")])
  })
})

describe('the option remoteCache', () => {
  const SECRET = 'hunter2-c0ffee'

  async function refusal(options: UpscalerOptions, env: Record<string, string> = {}): Promise<string> {
    try {
      createUpscaler({ engine: 'resize', ...options }, { root: '/nowhere', env })
    } catch (error) {
      if (isUpscaleError(error)) return `${error.code} ${error.message}`
      throw error
    }
    return 'nothing was refused'
  }

  test.each<[string, UpscalerOptions['remoteCache'], string]>([
    ['no address', `hunter:${SECRET}`, 'is no address of a store'],
    ['an address nobody knows', `ftp://me:${SECRET}@host/`, 'is no address of a store'],
    ['no driver', { token: SECRET }, 'names no driver'],
    ['a driver nobody has', { driver: 'rediss', password: SECRET }, "which unstorage doesn't have"],
    ['both', { driver: 'redis', url: `redis://:${SECRET}@host` }, 'expected one of them'],
    ['no bucket', { driver: 's3', secretAccessKey: SECRET }, 'has no bucket'],
    ['no base', { driver: 'http', base: SECRET }, 'is not an address'],
    ['a wrong limit', { url: `redis://:${SECRET}@host`, timeoutMs: 0 }, 'expected a whole number from 100'],
    ['a wrong flag', { url: `redis://:${SECRET}@host`, readOnly: 'yes' as never }, 'expected true or false'],
  ])('with %s is refused at the start, without its secret', async (_, remoteCache, words) => {
    const said = await refusal({ ...(remoteCache === undefined ? {} : { remoteCache }) })
    expect(said).toContain('BAD_OPTION')
    expect(said).toContain(words)
    expect(said).not.toContain(SECRET)
  })

  test('comes from the environment, where an empty text means none; under a public name it is an error', async () => {
    expect(await refusal({}, { UPSCALE_REMOTE_CACHE: `gopher://${SECRET}` })).toContain('is no address')
    expect(await refusal({}, { UPSCALE_REMOTE_CACHE: '' })).toBe('nothing was refused')
    expect(await refusal({ remoteCache: false }, { UPSCALE_REMOTE_CACHE: 'gopher:' })).toBe(
      'nothing was refused',
    )
    const exposed = await refusal({}, { VITE_UPSCALE_REMOTE_CACHE: `redis://:${SECRET}@host` })
    expect(exposed).toContain('KEY_EXPOSED')
    expect(exposed).not.toContain(SECRET)
  })

  test('takes any driver of unstorage, by name and as an object', async () => {
    const engine = repeater()
    const shared = await Machine.boot()
    const base = join(shared.root, 'shared')
    const byName = { driver: 'fs-lite', base }
    const { default: fsLite } = await import('unstorage/drivers/fs-lite')
    const [first, second] = [await Machine.boot(), await Machine.boot()]
    await first.build(engine, byName)
    expect((await second.build(engine, { driver: fsLite({ base }) })).images[0]?.origin).toBe('remote')
    expect(engine.calls).toBe(1)
    await rm(base, { recursive: true })
  })
})

/** Runs a script in a process of its own. */
function runAsync(script: string): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
    env: { PATH: process.env.PATH },
    timeout: 60_000,
  })
}
