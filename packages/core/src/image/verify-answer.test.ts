import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { type NormalisedImage, normalise } from './codec.ts'
import type { PixelImage } from './pixel-image.ts'
import { resample } from './resample.ts'
import { gridOf, verifyAnswer } from './verify-answer.ts'

type Sample = (x: number, y: number, channel: number) => number

function draw(width: number, height: number, sample: Sample, channels: 1 | 3 = 3): PixelImage {
  const data = new Uint8ClampedArray(width * height * channels)
  for (let at = 0; at < data.length; at++) {
    const pixel = Math.floor(at / channels)
    data[at] = sample(pixel % width, Math.floor(pixel / width), at % channels)
  }
  return { data: new Uint8Array(data.buffer), width, height, channels }
}

const source = (colour: PixelImage): NormalisedImage => ({
  width: colour.width,
  height: colour.height,
  colour,
  lossless: false,
})

/** Another picture of the same size, from each pixel's samples and place. */
function change(
  image: PixelImage,
  sample: (value: number, x: number, y: number, channel: number) => number,
): PixelImage {
  const { width, channels } = image
  return draw(
    width,
    image.height,
    (x, y, channel) => sample(image.data[(y * width + x) * channels + channel]!, x, y, channel),
    channels,
  )
}

const random = (x: number, y: number): number => {
  const value = Math.sin(x * 12.9898 + y * 78.233) * 43758.5453
  return value - Math.floor(value)
}

async function type(): Promise<PixelImage> {
  const lines = Array.from(
    { length: 14 },
    (_, line) =>
      `<text x="12" y="${24 + line * 15}" font-size="12">Line ${line} of a page of small type</text>`,
  )
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="300" height="240"><rect width="300" height="240" fill="#fff"/><rect y="224" width="120" height="16" fill="#246"/>${lines.join('')}</svg>`
  const data = await sharp(Buffer.from(svg)).removeAlpha().raw().toBuffer()
  return { data, width: 300, height: 240, channels: 3 }
}

const PICTURES: Readonly<Record<string, PixelImage>> = {
  photograph: draw(
    160,
    120,
    (x, y, channel) =>
      120 + 70 * Math.sin((x + channel * 9) / 21) + 40 * Math.cos(y / 9 + x / 40) + 12 * random(x, y),
  ),
  page: await type(),
  flat: draw(90, 60, (_x, _y, channel) => [200, 120, 40][channel]!),
  white: draw(90, 60, () => 255, 1),
  faint: draw(200, 150, (x, y) => 240 - 14 * Number((x - 60) ** 2 + (y - 50) ** 2 < 1500), 1),
  noise: draw(200, 200, (x, y, channel) => 255 * random(x + channel * 7, y)),
  'small noise': draw(16, 16, (x, y, channel) => 255 * random(x + channel * 7, y)),
  checkers: draw(17, 16, (x, y) => ((x + y) % 2) * 255),
  'one pixel': draw(1, 1, () => 90),
  column: draw(3, 200, (x, y) => 60 * x + y / 3),
  row: draw(200, 3, (x, y) => 60 * y + x / 3),
}

const double = (image: PixelImage): Promise<PixelImage> => resample(image, image.width * 2, image.height * 2)

async function throughJpeg(image: PixelImage, quality: number): Promise<PixelImage> {
  const { width, height, channels } = image
  const jpeg = await sharp(image.data, { raw: { width, height, channels } }).jpeg({ quality }).toBuffer()
  return {
    ...image,
    data: await sharp(jpeg)
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw()
      .toBuffer(),
  }
}

/** Unsharp masking: twice the difference to a blurred copy. */
async function sharpened(image: PixelImage): Promise<PixelImage> {
  const blurred = await resample(
    await resample(image, Math.ceil(image.width / 3), Math.ceil(image.height / 3)),
    image.width,
    image.height,
  )
  return change(image, (value, x, y, channel) => {
    const soft = blurred.data[(y * image.width + x) * image.channels + channel]!
    return value + 1.5 * (value - soft)
  })
}

const nearest = (image: PixelImage): PixelImage =>
  draw(
    image.width * 2,
    image.height * 2,
    (x, y, channel) => image.data[((y >> 1) * image.width + (x >> 1)) * image.channels + channel]!,
    image.channels,
  )

async function verify(image: PixelImage, answer: PixelImage | Promise<PixelImage>, scale = 2): Promise<void> {
  const asked = { width: Math.round(image.width * scale), height: Math.round(image.height * scale), scale }
  await verifyAnswer({ source: await gridOf(source(image)), ...asked }, { colour: await answer })
}

describe.each(Object.entries(PICTURES))('verifyAnswer accepts honest answers: %s', (_name, image) => {
  it('resampled', async () => verify(image, await double(image)))
  it('without smoothing', async () => verify(image, nearest(image)))
  it('sharpened', async () => verify(image, sharpened(await double(image))))
  it('coded as a JPEG of quality 60', async () => verify(image, await throughJpeg(await double(image), 60)))
  it('with invented grain', async () =>
    await verify(
      image,
      change(await double(image), (value, x, y) => value + 24 * (random(x, y) - 0.5)),
    ))
  it('a little brighter', async () =>
    await verify(
      image,
      change(await double(image), value => value + 5),
    ))
  it('four times as large', async () => verify(image, double(await double(image))))
  it('in colour although the source is grey', async () => {
    const grey = await double(image)
    const colour = draw(grey.width, grey.height, (x, y, channel) => {
      return grey.data[(y * grey.width + x) * grey.channels + (grey.channels === 1 ? 0 : channel)]!
    })
    await verify(image, colour)
  })
})

const turned = (image: PixelImage, from: (x: number, y: number) => readonly [number, number]): PixelImage =>
  change(image, (_value, x, y, channel) => {
    const [fromX, fromY] = from(x, y)
    return image.data[(fromY * image.width + fromX) * image.channels + channel]!
  })

const FALSIFIED: Readonly<Record<string, (image: PixelImage) => PixelImage>> = {
  black: image => change(image, () => 0),
  white: image => change(image, () => 255),
  'of its mean colour only': image => {
    const means = [0, 1, 2].map(channel => meanOf(image, channel % image.channels))
    return change(image, (_value, _x, _y, channel) => means[channel]!)
  },
  inverted: image => change(image, value => 255 - value),
  mirrored: image => turned(image, (x, y) => [image.width - 1 - x, y]),
  'upside down': image => turned(image, (x, y) => [x, image.height - 1 - y]),
  turned: image => turned(image, (x, y) => [image.width - 1 - x, image.height - 1 - y]),
  'of a colour cast': image => change(image, (value, _x, _y, channel) => value + [24, 0, -24][channel]!),
  'darkened by a fifth': image => change(image, value => value * 0.8),
  'without its lower fifth': image => change(image, (value, _x, y) => (y < image.height * 0.8 ? value : 0)),
  'cropped by a quarter': image =>
    turned(image, (x, y) => [Math.floor(x * 0.75), Math.floor(y * 0.75)] as const),
}

function meanOf(image: PixelImage, channel: number): number {
  const samples = image.data.filter((_, at) => at % image.channels === channel)
  return samples.reduce((sum, value) => sum + value, 0) / samples.length
}

describe.each(Object.entries(FALSIFIED))('verifyAnswer refuses an answer that is %s', (_name, falsify) => {
  it.each(['photograph', 'column'])('%s', async name => {
    const image = PICTURES[name]!
    await expect(verify(image, falsify(await double(image)))).rejects.toThrow(
      /returned another picture.*of 255/,
    )
  })
})

describe('verifyAnswer refuses', () => {
  it.each(['black', 'inverted', 'mirrored', 'upside down', 'of its mean colour only'])(
    'a page that is %s',
    async how => {
      const page = PICTURES.page!
      await expect(verify(page, FALSIFIED[how]!(await double(page)))).rejects.toThrow('ANSWER_DRIFTED')
    },
  )

  it.each(['inverted', 'mirrored', 'turned', 'of its mean colour only'])(
    'a faint picture that is %s',
    async how => {
      const faint = PICTURES.faint!
      await expect(verify(faint, FALSIFIED[how]!(await double(faint)))).rejects.toThrow('ANSWER_DRIFTED')
    },
  )

  it('another picture', async () => {
    const page = await resample(PICTURES.page!, 320, 240)
    await expect(verify(PICTURES.photograph!, page)).rejects.toThrow('ANSWER_DRIFTED')
  })

  it('a picture with red and blue exchanged', async () => {
    const image = await double(PICTURES.photograph!)
    const swapped = change(
      image,
      (_value, x, y, channel) => image.data[(y * image.width + x) * 3 + 2 - channel]!,
    )
    await expect(verify(PICTURES.photograph!, swapped)).rejects.toThrow('ANSWER_DRIFTED')
  })

  it('another flat colour', async () => {
    const flat = PICTURES.flat!
    await expect(
      verify(
        flat,
        change(await double(flat), value => value + 20),
      ),
    ).rejects.toThrow(/off by 20\.0 of 255/)
  })
})

describe('sizes', () => {
  const image = PICTURES.photograph!
  const sized = (width: number, height: number): Promise<PixelImage> => resample(image, width, height)

  it.each([
    [320, 240],
    [319, 240],
    [321, 241],
    [320, 238],
    [288, 216],
    [640, 480],
  ])('accepts %i × %i where 320 × 240 was asked for', async (width, height) =>
    verify(image, sized(width, height)),
  )

  it('refuses the size of the source, and says so', async () => {
    await expect(verify(image, image)).rejects.toThrow(
      /asked for 320 × 240 px.*got 160 × 120 px, the size of the source/,
    )
  })

  it('refuses less than nine tenths', async () => {
    await expect(verify(image, sized(280, 210))).rejects.toThrow('ANSWER_WRONG_SIZE')
  })

  it.each([
    [320, 320],
    [320, 232],
    [300, 240],
    [240, 320],
    [1024, 1024],
  ])('refuses the aspect of %i × %i', async (width, height) => {
    await expect(verify(image, sized(width, height))).rejects.toThrow('ANSWER_WRONG_ASPECT')
  })

  it('allows a pixel more or less for tiny pictures', async () => {
    const tiny = PICTURES.column!
    await verify(tiny, resample(tiny, 7, 400))
    await verify(tiny, resample(tiny, 5, 400))
    await expect(verify(tiny, resample(tiny, 9, 400))).rejects.toThrow('ANSWER_WRONG_ASPECT')
  })

  it('accepts an answer of factor 2 where 1.5 was asked for', async () => verify(image, sized(320, 240), 1.5))
})

it('compares what the engine saw: a picture with transparent parts', async () => {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="40"><circle cx="20" cy="20" r="15" fill="#d33"/></svg>'
  const bytes = await sharp(Buffer.from(svg)).png().toBuffer()
  const file = {
    file: '/logo.png',
    name: 'logo.png',
    stem: 'logo',
    bytes,
    size: 0,
    digest: '',
    format: 'png',
  } as const
  const logo = await normalise(file, { maxPixels: 1e6, factor: 2 })
  const asked = { source: await gridOf(logo), width: 120, height: 80, scale: 2 }
  await verifyAnswer(asked, { colour: await double(logo.colour) })
})
