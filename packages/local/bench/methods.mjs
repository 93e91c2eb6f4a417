// The ways of enlarging that the benchmarks compare. `enlarge` takes a picture { data, width, height, channels: 3 };
// `enlargeFile` takes a PNG with alpha and gives one.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { createUpscaler, resize } from 'upscale-core'
import { local } from 'upscale-local'
import { decode, encode } from './pictures.mjs'
import { bicubic } from './resample.mjs'
import { openUpscalerJs } from './upscalerjs.mjs'

const run = promisify(execFile)

/**
 * @param scale what the methods will be asked for
 * @param only names to keep; all by default
 * @param upscalerJs folder where UpscalerJS is installed; left out by default
 */
export async function openMethods(scale, only, upscalerJs) {
  const folder = await mkdtemp(join(tmpdir(), 'upscale-bench-'))
  const engines = [
    ...['auto', 'quality', 'design', 'photo', 'compressed', 'fast'].map(model => [
      `local ${model}`,
      local({ model }),
    ]),
    ['resize', resize],
  ]
  const peer = upscalerJs === undefined ? undefined : await openUpscalerJs(upscalerJs, scale)
  const methods = [
    ...engines.map(([name, engine]) => engineMethod(name, engine, folder)),
    bicubicMethod(),
    sharpMethod('lanczos3'),
    imageMagickMethod('Lanczos', folder),
    ...(peer === undefined ? [] : [peer.method]),
  ]
  const wanted = methods.filter(({ name }) => only === undefined || only.includes(name))
  const close = async () => {
    for (const [, engine] of engines) await engine.close?.()
    await peer?.close()
    await rm(folder, { recursive: true })
  }
  return { methods: wanted, close }
}

/** Whole pictures through the engine itself; files through the upscaler around it, which takes care of alpha. */
function engineMethod(name, engine, folder) {
  const upscaler = createUpscaler({ root: folder, engine: 'tested', engines: { tested: engine } })
  let files = 0
  return {
    name,
    async enlarge(image, scale) {
      const at = engine.scaleFor(scale)
      return engine.upscale(
        { image, scale: at, params: {} },
        { signal: new AbortController().signal, env: {} },
      )
    },
    async enlargeFile(png, scale) {
      const source = join(folder, `${name.replace(' ', '-')}-${files++}.png`)
      await writeFile(source, png)
      const { file } = await upscaler.upscale(source, { factor: scale })
      return readFile(file)
    },
  }
}

function bicubicMethod() {
  return {
    name: 'bicubic (exact)',
    enlarge: async (image, scale) => bicubic(image, image.width * scale, image.height * scale),
  }
}

function sharpMethod(kernel) {
  const enlargeFile = async (png, scale) => {
    const { width } = await sharp(png).metadata()
    return sharp(png)
      .resize({ width: width * scale, kernel })
      .png()
      .toBuffer()
  }
  return {
    name: `sharp ${kernel}`,
    enlargeFile,
    enlarge: async (image, scale) => decode(await enlargeFile(await encode(image), scale)),
  }
}

function imageMagickMethod(filter, folder) {
  const enlargeFile = async (png, scale) => {
    const [from, to] = [join(folder, 'in.png'), join(folder, 'out.png')]
    await writeFile(from, png)
    await run('convert', [from, '-filter', filter, '-resize', `${scale * 100}%`, to])
    return readFile(to)
  }
  return {
    name: `ImageMagick ${filter}`,
    startsProcess: true,
    enlargeFile,
    enlarge: async (image, scale) => decode(await enlargeFile(await encode(image), scale)),
  }
}
