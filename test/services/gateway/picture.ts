import sharp from 'sharp'

/** What a picture is turned into, honestly or not. */
export type Treatment = (source: Buffer, scale: number) => Promise<Buffer>

/** A small opaque PNG in which every side and corner differs, so that turning or mirroring it shows. */
export function drawSample(width: number, height: number): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 48 32" preserveAspectRatio="none">
    <defs><linearGradient id="g"><stop stop-color="#0b3d91"/><stop offset="1" stop-color="#f6c177"/></linearGradient></defs>
    <rect width="100%" height="100%" fill="url(#g)"/>
    <rect width="14" height="10" fill="#d7263d"/><circle cx="38" cy="24" r="7" fill="#1b998b"/>
  </svg>`
  return sharp(Buffer.from(svg)).removeAlpha().png().toBuffer()
}

/** The honest one: the same picture, larger, without loss. */
export const enlarge: Treatment = async (source, scale) => {
  const { width, height } = await sizeOf(source)
  return sharp(source)
    .resize(Math.round(width * scale), Math.round(height * scale), { kernel: 'cubic', fit: 'fill' })
    .png({ compressionLevel: 1 })
    .toBuffer()
}

/** A picture in one of the formats that can be ordered; png where none was. */
export async function convert(picture: Buffer, format = 'png'): Promise<Buffer> {
  const known = ['jpeg', 'gif', 'webp', 'avif'] as const
  const wanted = known.find(name => name === format)
  return wanted === undefined ? picture : sharp(picture).toFormat(wanted).toBuffer()
}

/** Enlarges to a size that is `dx`, `dy` pixels off. */
export function offBy(dx: number, dy: number): Treatment {
  return async (source, scale) => {
    const { width, height } = await sizeOf(source)
    const size = { width: Math.round(width * scale) + dx, height: Math.round(height * scale) + dy }
    return sharp(source).resize(size.width, size.height, { fit: 'fill' }).png().toBuffer()
  }
}

/** Takes a quarter of the width away, as a service does that crops to a list of aspect ratios. */
export const crop: Treatment = async (source, scale) => {
  const large = await enlarge(source, scale)
  const { width, height } = await sizeOf(large)
  return sharp(large)
    .extract({ left: 0, top: 0, width: Math.max(1, Math.round(width * 0.75)), height })
    .png()
    .toBuffer()
}

export const asJpeg: Treatment = async (source, scale) =>
  sharp(await enlarge(source, scale))
    .jpeg()
    .toBuffer()

export const mirror: Treatment = async (source, scale) =>
  sharp(await enlarge(source, scale))
    .flop()
    .png()
    .toBuffer()

export const turn: Treatment = async (source, scale) =>
  sharp(await enlarge(source, scale))
    .rotate(90)
    .png()
    .toBuffer()

export const halfTurn: Treatment = async (source, scale) =>
  sharp(await enlarge(source, scale))
    .rotate(180)
    .png()
    .toBuffer()

export const recolour: Treatment = async (source, scale) =>
  sharp(await enlarge(source, scale))
    .negate({ alpha: false })
    .png()
    .toBuffer()

/** Of the right size, and black. */
export const blacken: Treatment = async (source, scale) => {
  const { width, height } = await sizeOf(source)
  const size = { width: Math.round(width * scale), height: Math.round(height * scale) }
  return sharp({ create: { ...size, channels: 3, background: '#000' } })
    .png()
    .toBuffer()
}

/** A grey square or so, whatever was sent. */
export function placeholder(width: number, height: number): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: '#888' } })
    .png()
    .toBuffer()
}

/** Everything is there but the last third of the bytes. */
export const cutShort: Treatment = async (source, scale) => {
  const large = await enlarge(source, scale)
  return large.subarray(0, Math.floor((large.length * 2) / 3))
}

/** A header that promises 60000 × 60000 pixels, and nothing behind it. */
export const bomb: Treatment = async () =>
  Buffer.from('89504e470d0a1a0a0000000d494844520000ea600000ea600802000000', 'hex')

async function sizeOf(picture: Buffer): Promise<{ width: number; height: number }> {
  const { width, height } = await sharp(picture).metadata()
  return { width, height }
}
