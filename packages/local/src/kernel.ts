import { UpscaleError } from 'upscale-core'
import { KERNEL_BASE64 } from './kernel-bytes.ts'

/** Node has it, its types leave it out. */
declare const WebAssembly: { readonly Module: new (bytes: Uint8Array) => object }

/** A compiled WebAssembly module, opaque outside the threads. */
export type CompiledKernel = object

/**
 * The compiled kernel, a few kilobytes; posted to every thread, so that what the optimiser makes of it is shared.
 * @throws UpscaleError ENGINE_FAILED on a CPU or runtime without WebAssembly SIMD
 */
export function compileKernel(): CompiledKernel {
  try {
    return new WebAssembly.Module(Buffer.from(KERNEL_BASE64, 'base64'))
  } catch (cause) {
    throw new UpscaleError(
      'ENGINE_FAILED',
      'the local engine needs WebAssembly SIMD, which is missing here',
      {
        hint: "use another Node or CPU, or set engine: 'resize'",
        cause,
      },
    )
  }
}
