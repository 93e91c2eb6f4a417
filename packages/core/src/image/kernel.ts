import { UpscaleError } from '../errors.ts'
import { KERNEL_BASE64 } from './kernel-bytes.ts'

/** Node has it, its types leave it out. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Memory: new (size: { initial: number }) => Memory
  readonly Instance: new (module: object, imports: { env: { memory: Memory } }) => { exports: Exports }
}

interface Memory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

/** What assembly/ exports. Addresses and counts are 32-bit integers. */
interface Exports {
  adler(sum: number, input: number, length: number): number
  deflate(input: number, length: number, isLast: number, work: number, output: number): number
  even(
    rows: number,
    stride: number,
    count: number,
    length: number,
    pixel: number,
    mask: number,
    result: number,
  ): void
  filter(rows: number, stride: number, count: number, length: number, pixel: number, result: number): void
  across(
    row: number,
    channels: number,
    width: number,
    first: number,
    count: number,
    weights: number,
    taps: number,
    result: number,
  ): void
  down(
    rows: number,
    stride: number,
    taps: number,
    first: number,
    count: number,
    weights: number,
    samples: number,
    result: number,
  ): void
}

/** An instance of the loops in assembly/, with memory of its own. */
export interface Kernel {
  readonly loops: Exports
  readonly memory: Memory
}

const PAGE_BYTES = 64 * 1024
/** What an instance may hold and still be used again; a larger one is left to the garbage collector. */
const MOST_KEPT_BYTES = 16 * 1024 * 1024

let compiled: object | undefined
const free: Kernel[] = []

/**
 * Lends an instance with so many bytes of memory to `use`. Its memory keeps what earlier uses left in it.
 * @throws UpscaleError ENGINE_FAILED on a CPU or runtime without WebAssembly SIMD
 */
export async function withKernel<T>(bytes: number, use: (kernel: Kernel) => Promise<T>): Promise<T> {
  const kernel = free.pop() ?? startKernel()
  const missing = bytes - kernel.memory.buffer.byteLength
  if (missing > 0) kernel.memory.grow(Math.ceil(missing / PAGE_BYTES))
  try {
    return await use(kernel)
  } finally {
    if (kernel.memory.buffer.byteLength <= MOST_KEPT_BYTES) free.push(kernel)
  }
}

function startKernel(): Kernel {
  try {
    compiled ??= new WebAssembly.Module(Buffer.from(KERNEL_BASE64, 'base64'))
    const memory = new WebAssembly.Memory({ initial: 1 })
    return { loops: new WebAssembly.Instance(compiled, { env: { memory } }).exports, memory }
  } catch (cause) {
    throw new UpscaleError('ENGINE_FAILED', 'enlarging needs WebAssembly SIMD, which is missing here', {
      hint: 'use another Node or CPU, or start Node without --jitless',
      cause,
    })
  }
}
