import { createWriteStream } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type UpscaledImage, UpscaleError } from 'upscale-core'
import { discard, processFolder, sweepProcessFolders, whileThere } from 'upscale-core/internal'
import { EXIT } from '../exit-codes.ts'
import { placeFile } from '../files/place.ts'
import { factorTo } from '../files/size.ts'
import { requestOf } from '../flags.ts'
import { inSession } from '../session.ts'
import type { RunFlags } from './run-flags.ts'

/**
 * `upscale -`: one picture from stdin to stdout, or to the file of `--out`. The picture goes through a file, since
 * the upscaler reads nothing else; it's removed at the end.
 */
export async function runPipe(flags: RunFlags): Promise<number> {
  if (process.stdin.isTTY) throw noInput('stdin is the terminal')
  if (flags.out === undefined && process.stdout.isTTY) {
    throw new UpscaleError('BAD_OPTION', 'stdout is the terminal, which shows no pictures', {
      hint: 'add > large.png, or --out large.png',
    })
  }
  await sweepProcessFolders()
  const folder = processFolder('stdin')
  await mkdir(folder, { mode: 0o700 })
  const file = join(folder, 'stdin')
  try {
    await pipeline(process.stdin, createWriteStream(file))
    return await inSession(flags, [folder], async ({ upscaler, print }) => {
      const factor = flags.to === undefined ? upscaler.options.factor : await factorTo(file, flags.to)
      if (factor <= 1 || factor < (flags.minGain ?? 1)) {
        // Whoever reads the other end waits for a picture.
        await print.bytes(await readFile(file))
        return EXIT.ok
      }
      const ask = (): Promise<UpscaledImage> => upscaler.upscale(file, { ...requestOf(flags), factor })
      const image = await ask()
      const { out } = flags
      if (out === undefined) await print.bytes(await whileThere(image, ask, made => readFile(made.file)))
      else await whileThere(image, ask, made => placeFile(made, resolve(out)))
      return EXIT.ok
    })
  } finally {
    await discard(folder)
  }
}

function noInput(problem: string): UpscaleError {
  return new UpscaleError('BAD_OPTION', `${problem}, so there is no picture to read`, {
    hint: 'write for example upscale - < small.png > large.png',
  })
}
