import { UpscaleError } from 'upscale-core'

/** One 3x3 convolution: y = (sum(weights * x) + bias + half) >> shift. */
export interface Layer {
  readonly inputs: number
  readonly outputs: number
  readonly shift: number
  /** By output, input, row, column; the real weight is this over 2**shift. */
  readonly weights: Int16Array
  readonly biases: Int32Array
}

/** A network as it was trained: enlarges `scale` times by correcting the anchor. */
export interface Model {
  readonly name: string
  readonly scale: number
  readonly anchor: 'bicubic' | 'nearest'
  readonly layers: readonly Layer[]
}

const MAGIC = 'UPS1'
const MAX_SHIFT = 24
/** The records of this many layers fit between the program table and the weights in the kernel's memory. */
export const MAX_LAYERS = 64
const MAX_CHANNELS = 256

/**
 * Reads a weight file: "UPS1", the header's length (uint32), the header (JSON), then per layer the int16 weights
 * and the int32 biases, all little-endian and without gaps.
 *
 * @param file names the file in messages
 * @throws UpscaleError ENGINE_FAILED when anything in it is not as it must be
 */
export function parseModel(bytes: Uint8Array, file: string): Model {
  const broken = (why: string, cause?: unknown): UpscaleError =>
    new UpscaleError('ENGINE_FAILED', `the weight file is damaged: ${why}`, {
      file,
      hint: 'install upscale-local again',
      cause,
    })

  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 8 || latin1(bytes.subarray(0, 4)) !== MAGIC)
    throw broken(`it doesn't begin with ${MAGIC}`)
  const headerEnd = 8 + view.getUint32(4, true)
  if (headerEnd > bytes.length) throw broken('its header is cut off')
  let header: unknown
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, headerEnd)))
  } catch (cause) {
    throw broken("its header isn't JSON", cause)
  }
  const shape = parseHeader(header)
  if (typeof shape === 'string') throw broken(shape)

  let offset = headerEnd
  const layers = shape.layers.map(({ inputs, outputs, shift }): Layer => {
    const count = inputs * outputs * 9
    const end = offset + count * 2 + outputs * 4
    if (end > bytes.length) throw broken('its weights are cut off')
    const weights = new Int16Array(count)
    for (let i = 0; i < count; i++) weights[i] = view.getInt16(offset + i * 2, true)
    const biasOffset = offset + count * 2
    const biases = Int32Array.from({ length: outputs }, (_, i) => view.getInt32(biasOffset + i * 4, true))
    offset = end
    return { inputs, outputs, shift, weights, biases }
  })
  if (offset !== bytes.length) throw broken(`${bytes.length - offset} bytes follow its weights`)
  return { ...shape, layers }
}

type Shape = Omit<Model, 'layers'> & { layers: Omit<Layer, 'weights' | 'biases'>[] }

/** The header's facts, or what is wrong with them. */
function parseHeader(header: unknown): Shape | string {
  if (!isRecord(header)) return 'its header is not an object'
  const { name, scale, anchor, activationBits, layers } = header
  if (typeof name !== 'string') return 'the name is missing'
  if (!isWhole(scale, 2, 4)) return `the scale ${JSON.stringify(scale)} is not 2, 3 or 4`
  if (anchor !== 'bicubic' && anchor !== 'nearest') return `the anchor ${JSON.stringify(anchor)} is unknown`
  if (activationBits !== 12) return `activations have ${JSON.stringify(activationBits)} bits instead of 12`
  if (!Array.isArray(layers) || layers.length === 0 || layers.length > MAX_LAYERS) {
    return `it doesn't have 1 to ${MAX_LAYERS} layers`
  }

  const shapes: Shape['layers'] = []
  let channels = 3
  for (const layer of layers as unknown[]) {
    if (!isRecord(layer)) return 'a layer is not an object'
    const { in: inputs, out: outputs, shift } = layer
    if (inputs !== channels) return `a layer takes ${JSON.stringify(inputs)} channels instead of ${channels}`
    if (!isWhole(outputs, 1, MAX_CHANNELS)) return `a layer gives ${JSON.stringify(outputs)} channels`
    if (!isWhole(shift, 1, MAX_SHIFT)) return `a layer's shift is ${JSON.stringify(shift)}`
    shapes.push({ inputs: channels, outputs, shift })
    channels = outputs
  }
  if (channels !== 3 * scale * scale) return `the last layer gives ${channels} channels at scale ${scale}`
  return { name, scale, anchor, layers: shapes }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}
