import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import sharp from 'sharp'
import {
  createUpscaler,
  type FileEngine,
  type PixelEngine,
  type RemoteCache,
  type UpscaledImage,
  type UpscalerOptions,
} from 'upscale-core'
import { onTestFinished } from 'vitest'

/** An engine that counts its calls. */
export interface Counted<Kind> {
  readonly engine: Kind
  readonly calls: number
}

/** Free, in this process, honest: repeats each pixel. */
export function repeater(): Counted<PixelEngine> {
  const counted = { calls: 0 }
  const engine: PixelEngine = {
    id: 'repeater',
    model: 'nearest',
    revision: '1',
    exchange: 'pixels',
    billing: 'free',
    priceMicros: 0,
    scaleFor: () => 2,
    checkParams: () => ({}),
    async upscale({ image: { data, width, height, channels }, scale }) {
      counted.calls++
      const large = new Uint8Array(width * scale * height * scale * channels)
      for (let at = 0; at < large.length; at++) {
        const pixel = Math.floor(at / channels)
        const x = Math.floor((pixel % (width * scale)) / scale)
        const y = Math.floor(pixel / (width * scale) / scale)
        large[at] = data[(y * width + x) * channels + (at % channels)] ?? 0
      }
      return { data: large, width: width * scale, height: height * scale, channels }
    },
  }
  return {
    engine,
    get calls() {
      return counted.calls
    },
  }
}

/** Paid, honest. Every answer has bytes of its own, as those of services do. */
export function seller(): Counted<FileEngine> {
  const counted = { calls: 0 }
  const engine: FileEngine = {
    id: 'seller',
    model: 'model',
    revision: '1',
    exchange: 'file',
    billing: 'paid',
    recovery: 'none',
    priceMicros: 60_000,
    scaleFor: () => 2,
    checkParams: () => ({}),
    async upscale({ png, width, height }) {
      counted.calls++
      const comment = { exif: { IFD0: { ImageDescription: `answer ${Math.random()}` } } }
      const bytes = await sharp(png)
        .resize(width * 2, height * 2, { kernel: 'lanczos3' })
        .withMetadata(comment)
        .png()
        .toBuffer()
      return { bytes, costMicros: 60_000 }
    },
  }
  return {
    engine,
    get calls() {
      return counted.calls
    },
  }
}

/** One computer: a project with a cache of its own, and a memory of all that was said on it. */
export class Machine {
  readonly root: string
  readonly said: string[] = []

  private constructor(root: string) {
    this.root = root
  }

  /** @param pictures - how many the project has: `0.png`, `1.png`, … */
  static async boot(pictures = 1): Promise<Machine> {
    const root = await mkdtemp(join(tmpdir(), 'upscale-machine-'))
    onTestFinished(() => rm(root, { recursive: true, force: true }))
    const machine = new Machine(root)
    for (let at = 0; at < pictures; at++) await drawPicture(join(root, `${at}.png`), at)
    return machine
  }

  /** A build of its own. @returns the pictures in order, and what the report and the notices said */
  async build(
    { engine }: Counted<FileEngine | PixelEngine>,
    remoteCache: RemoteCache,
    options: UpscalerOptions = {},
    names: readonly string[] = ['0.png'],
    env: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly images: UpscaledImage[]; readonly notices: readonly string[] }> {
    const upscaler = createUpscaler({ engine, remoteCache, ...options }, { root: this.root, env })
    try {
      const images = await Promise.all(names.map(name => upscaler.upscale(name)))
      return { images, notices: upscaler.report().notices }
    } catch (error) {
      this.said.push(inspect(error, { depth: 8, showHidden: true }))
      throw error
    } finally {
      await upscaler.close()
      this.said.push(inspect(upscaler, { depth: 8, showHidden: true }), JSON.stringify(upscaler.report()))
    }
  }

  /** Every file of the machine, and every text, that holds a secret. */
  async find(secret: string): Promise<string[]> {
    const entries = await readdir(this.root, { recursive: true, withFileTypes: true })
    const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
    const holding = await Promise.all(
      files.map(async file => ((await readFile(file)).includes(secret) ? [file] : [])),
    )
    return [...holding.flat(), ...this.said.filter(text => text.includes(secret))]
  }
}

/** A picture with something to recognise, unlike those of other numbers. */
async function drawPicture(file: string, number: number): Promise<void> {
  const [width, height] = [24, 16]
  const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
    const pixel = Math.floor(at / 3)
    const x = pixel % width
    const y = Math.floor(pixel / width)
    return (x * 8 + y * (4 + (number % 9)) + number * 37 + (at % 3) * 50) % 256
  })
  await sharp(data, { raw: { width, height, channels: 3 } })
    .blur(1)
    .png()
    .toFile(file)
}
