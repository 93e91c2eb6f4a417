import sharp from 'sharp'
import { test } from 'vitest'
import { lumenfall } from '../../packages/core/src/engines/lumenfall.ts'
import { RESPONSES, startGateway, type ResponseName, soldAt } from './index.ts'

test('smoke', async () => {
  const gateway = await startGateway()
  const png = await sharp({ create: { width: 40, height: 30, channels: 3, background: '#369' } }).png().toBuffer()
  for (const rf of ['b64_json', 'url'] as const) {
  for (const name of [...Object.keys(RESPONSES)] as ResponseName[]) {
    gateway.reset(); gateway.respondWith(name)
    const engine = lumenfall({ baseURL: gateway.url, apiKey: 'lmnfl_canary.key', timeoutMs: 1500, responseFormat: rf })
    const t = Date.now()
    try {
      const a = await engine.upscale({ png, name: 'hero.png', width: 40, height: 30, scale: 2, params: engine.checkParams({}) }, { signal: new AbortController().signal, env: {} })
      const m = await sharp(a.bytes).metadata().catch(e => ({ error: String(e).slice(0, 60) }))
      console.log(rf, name, 'OK', (m as any).width, (m as any).height, (m as any).format, (m as any).error ?? '', a.costMicros, a.requestId, gateway.orders.length, Date.now() - t)
    } catch (e: any) { console.log(rf, name, '->', e.message, '| cause:', e.details?.cause?.message, '| permanent', e.details?.permanent, gateway.requests.length, gateway.charges.length, Date.now() - t) }
    await engine.close!()
  }}
  await gateway.close()
})
