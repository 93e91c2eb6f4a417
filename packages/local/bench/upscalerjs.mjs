// UpscalerJS with its slim ESRGAN model, run where it is at home: in a browser. Node can't import its modules.
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join, resolve, sep } from 'node:path'
import { chromium } from 'playwright-core'
import { findBrowser } from './browser.mjs'
import { decode, encode } from './pictures.mjs'

const TYPES = { js: 'text/javascript', json: 'application/json', wasm: 'application/wasm', html: 'text/html' }

/** @param folder where `upscaler`, `@upscalerjs/esrgan-slim`, `@tensorflow/tfjs` and its `-backend-wasm` are installed */
export async function openUpscalerJs(folder, scale) {
  const modules = resolve(folder, 'node_modules')
  const model = `/@upscalerjs/esrgan-slim`
  const page = `<!doctype html><script src="/@tensorflow/tfjs/dist/tf.min.js"></script>
    <script src="/@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.min.js"></script>
    <script src="${model}/dist/umd/models/esrgan-slim/src/x${scale}/index.min.js"></script>
    <script src="/upscaler/dist/browser/umd/upscaler.min.js"></script>`
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, 'http://localhost').pathname
    const file = join(modules, path)
    try {
      const body = path === '/' ? page : file.startsWith(modules + sep) ? await readFile(file) : undefined
      response.setHeader(
        'content-type',
        TYPES[path === '/' ? 'html' : path.split('.').at(-1)] ?? 'application/octet-stream',
      )
      response.end(body)
    } catch {
      response.writeHead(404).end()
    }
  })
  await new Promise(done => server.listen(0, '127.0.0.1', done))
  const browser = await chromium.launch({ executablePath: findBrowser() })
  const tab = await browser.newPage()
  await tab.goto(`http://127.0.0.1:${server.address().port}/`)
  await tab.evaluate(
    async ([path, name]) => {
      // Without a graphics card its WebGL brings the browser down.
      globalThis.tf.wasm.setWasmPaths('/@tensorflow/tfjs-backend-wasm/dist/')
      await globalThis.tf.setBackend('wasm')
      const { [name]: model } = globalThis
      globalThis.upscaler = new globalThis.Upscaler({ model: { ...model, path } })
    },
    [`${model}/models/x${scale}/model.json`, `ESRGANSlim${scale}x`],
  )
  return {
    method: {
      name: 'UpscalerJS esrgan-slim',
      async enlarge(image) {
        const source = `data:image/png;base64,${(await encode(image)).toString('base64')}`
        const result = await tab.evaluate(
          png => globalThis.upscaler.upscale(png, { patchSize: 128, padding: 6 }),
          source,
        )
        return decode(Buffer.from(result.slice(result.indexOf(',') + 1), 'base64'))
      },
    },
    async close() {
      await browser.close()
      server.close()
    },
  }
}
