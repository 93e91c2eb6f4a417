import { UpscaleError } from 'upscale-core'
import { KERNEL_BASE64 } from './kernel-bytes.ts'

/** What assembly/index.ts exports. Addresses are bytes into the memory it is given as `env.memory`. */
export interface Kernel {
  convolve(
    ...args: [
      ...[target: number, targetStride: number],
      ...[row0: number, row1: number, row2: number, stride: number, pairs: number],
      ...[weights: number, bias: number, count: number, outputs: number, shift: number, floor: number],
    ]
  ): void
  begin(width: number, height: number, channels: number): number
  step(index: number): void
}

/**
 * The compiled kernel, under 3 KB; posted to every thread, so that what the optimiser makes of it is shared.
 * @throws UpscaleError ENGINE_FAILED on a CPU or runtime without WebAssembly SIMD
 */
export function compileKernel(): WebAssembly.Module {
  try {
    return new WebAssembly.Module(Buffer.from(KERNEL_BASE64, 'base64'))
  } catch (cause) {
    throw new UpscaleError('ENGINE_FAILED', 'The local engine needs WebAssembly SIMD, which is missing here.', {
      hint: "Use another Node or CPU, or set engine: 'resize'.",
      cause,
    })
  }
}
