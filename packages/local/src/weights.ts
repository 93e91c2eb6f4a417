import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { UpscaleError } from 'upscale-core'
import { KERNEL_BASE64 } from './kernel-bytes.ts'

/**
 * The networks that come with the package. `design` is for pages, type and drawings, `photo` for clean photographs,
 * `compressed` for pictures that JPEG or WebP has damaged, `fast` for haste.
 */
export const EXPERTS = ['design', 'photo', 'compressed', 'fast'] as const
export type Expert = (typeof EXPERTS)[number]

/** The whole factors there are networks for. */
export const SCALES = [2, 3, 4] as const
export type Scale = (typeof SCALES)[number]

/** The same for the sources and for the built package: weights/ lies beside both folders. */
const FOLDER = new URL('../weights/', import.meta.url)

export function weightFileName(expert: Expert, scale: Scale): string {
  return `${expert}-x${scale}.bin`
}

/**
 * @param name one of {@link weightFileName}
 * @throws UpscaleError ENGINE_FAILED when the file is missing or can't be read
 */
export function readWeights(name: string): Uint8Array {
  try {
    return readFileSync(new URL(name, FOLDER))
  } catch (cause) {
    throw new UpscaleError('ENGINE_FAILED', `the local engine has no weights ${name}`, {
      hint: `install upscale-local again: it should hold weights/${name}`,
      cause,
    })
  }
}

/**
 * Names the kernel, the model and the weights of every expert, since a directive may ask for any: 16 hexadecimal digits.
 * Files are read once for it, and not kept.
 *
 * @throws UpscaleError ENGINE_FAILED when a file is missing or can't be read
 */
export function weightsDigest(model: string): string {
  const hash = createHash('sha256').update(`${model}\n${KERNEL_BASE64}`)
  for (const expert of EXPERTS) {
    for (const scale of SCALES) {
      const name = weightFileName(expert, scale)
      const bytes = readWeights(name)
      hash.update(`\n${name} ${bytes.length}\n`).update(bytes)
    }
  }
  return hash.digest('hex').slice(0, 16)
}
