// Between PNG files and pictures { data, width, height, channels: 3 }.
import sharp from 'sharp'

export async function decode(png) {
  const { data, info } = await sharp(png)
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { data: new Uint8Array(data), width: info.width, height: info.height, channels: 3 }
}

export function encode({ data, width, height, channels }) {
  return sharp(data, { raw: { width, height, channels } }).png({ compressionLevel: 1 }).toBuffer()
}
