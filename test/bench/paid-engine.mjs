import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const CORE = new URL('../../packages/core/dist/index.mjs', import.meta.url)
const { default: sharp } = await import(pathToFileURL(createRequire(CORE).resolve('sharp')).href)

/** An engine that is paid for and answers at once, so that nothing is measured but this package. */
export const paidEngine = {
  exchange: 'file',
  id: 'bench',
  model: 'bench',
  revision: '1',
  billing: 'paid',
  recovery: 'none',
  priceMicros: 1000,
  scaleFor: () => 2,
  checkParams: params => params,
  async upscale({ png, width, height }) {
    const bytes = await sharp(png)
      .resize(width * 2, height * 2, { kernel: 'lanczos3' })
      .png()
      .toBuffer()
    return { bytes, costMicros: 1000 }
  },
}
