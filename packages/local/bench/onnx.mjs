// The smallest ONNX file of a plain 3x3 network, written by hand: enough to run the same shape in other runtimes.

/** @param sizes channels from the picture to the last layer, [3, 32, …, 12] */
export function onnxNetwork(sizes, scale, side) {
  const layers = sizes.slice(1)
  const nodes = []
  const tensors = []
  layers.forEach((outputs, i) => {
    const dims = [outputs, sizes[i], 3, 3]
    const weights = Float32Array.from(
      { length: dims.reduce((a, b) => a * b) },
      (_, k) => ((k * 7919) % 201) / 4000 - 0.025,
    )
    tensors.push(tensor(`w${i}`, dims, weights))
    const last = i === layers.length - 1
    nodes.push(
      node('Conv', [i === 0 ? 'in' : `x${i}`, `w${i}`], last ? 'flat' : `c${i}`, [
        ints('kernel_shape', [3, 3]),
      ]),
    )
    if (!last) nodes.push(node('Relu', [`c${i}`], `x${i + 1}`, []))
  })
  nodes.push(node('DepthToSpace', ['flat'], 'out', [integer('blocksize', scale), string('mode', 'CRD')]))
  const inner = (side - 2 * layers.length) * scale
  const graph = message(
    ...nodes.map(bytes => field(1, bytes)),
    field(2, text('net')),
    ...tensors.map(bytes => field(5, bytes)),
    field(11, value('in', [1, 3, side, side])),
    field(12, value('out', [1, 3, inner, inner])),
  )
  return message(number(1, 8), field(7, graph), field(8, message(field(1, text('')), number(2, 13))))
}

function node(type, inputs, output, attributes) {
  return message(
    ...inputs.map(name => field(1, text(name))),
    field(2, text(output)),
    field(4, text(type)),
    ...attributes.map(bytes => field(5, bytes)),
  )
}

const ints = (name, list) => message(field(1, text(name)), ...list.map(one => number(8, one)), number(20, 7))
const integer = (name, one) => message(field(1, text(name)), number(3, one), number(20, 2))
const string = (name, one) => message(field(1, text(name)), field(4, text(one)), number(20, 3))

function tensor(name, dims, data) {
  const raw = new Uint8Array(data.buffer)
  return message(...dims.map(dim => number(1, dim)), number(2, 1), field(8, text(name)), field(9, raw))
}

function value(name, dims) {
  const shape = message(...dims.map(dim => field(1, message(number(1, dim)))))
  return message(field(1, text(name)), field(2, message(field(1, message(number(1, 1), field(2, shape))))))
}

// Protocol buffers: varints, and fields of wire types 0 and 2.
const text = string => new TextEncoder().encode(string)
const message = (...parts) => Buffer.concat(parts)
const number = (id, one) => Buffer.concat([varint(id << 3), varint(one)])
const field = (id, bytes) => Buffer.concat([varint((id << 3) | 2), varint(bytes.length), bytes])

function varint(one) {
  const bytes = []
  for (let rest = one; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest % 128) | 128)
  }
}
