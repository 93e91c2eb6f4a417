import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { UpscaleError } from 'upscale-core'
import { KERNEL_BASE64 } from './kernel-bytes.ts'

/** The networks that come with the package. */
export const MODELS = ['best', 'fast'] as const
export type ModelName = (typeof MODELS)[number]

/** The whole factors there are networks for. */
export const SCALES = [2, 3, 4] as const
export type Scale = (typeof SCALES)[number]

/** The same for the sources and for the built package: weights/ lies beside both folders. */
const FOLDER = new URL('../weights/', import.meta.url)

export function weightFileName(model: ModelName, scale: Scale): string {
  return `${model}-x${scale}.bin`
}

/**
 * The networks that together enlarge by `scale`, in order: its own, or where there is none for x4 that for x2 twice.
 * Undefined when there is no way.
 */
export function stepsFor(model: ModelName, scale: Scale): readonly Scale[] | undefined {
  if (hasWeights(model, scale)) return [scale]
  return scale === 4 && hasWeights(model, 2) ? [2, 2] : undefined
}

function hasWeights(model: ModelName, scale: Scale): boolean {
  return existsSync(new URL(weightFileName(model, scale), FOLDER))
}

/** @throws UpscaleError ENGINE_FAILED when the file is missing or can't be read */
export function readWeights(model: ModelName, scale: Scale): Uint8Array {
  const name = weightFileName(model, scale)
  try {
    return readFileSync(new URL(name, FOLDER))
  } catch (cause) {
    throw new UpscaleError(
      'ENGINE_FAILED',
      `the local engine has no weights for model "${model}" at x${scale}`,
      {
        hint: `install upscale-local again: it should hold weights/${name}`,
        cause,
      },
    )
  }
}

/**
 * Names what decides the pixels: a digest of the model's weight files and of the kernel. A missing file counts as
 * empty.
 */
export function revisionOf(model: ModelName): string {
  const hash = createHash('sha256').update(KERNEL_BASE64)
  for (const scale of SCALES) {
    const bytes = tryRead(model, scale)
    hash.update(`\n${weightFileName(model, scale)} ${bytes.length}\n`).update(bytes)
  }
  return hash.digest('hex').slice(0, 16)
}

function tryRead(model: ModelName, scale: Scale): Uint8Array {
  try {
    return readWeights(model, scale)
  } catch {
    // Told by upscale(), to whoever asks for that scale.
    return new Uint8Array()
  }
}
