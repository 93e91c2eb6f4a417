import { mkdir } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterEach, expect, test } from 'vitest'
import { startDevServer, type ViteVersion } from '../support/dev-server.ts'
import { writeSite } from '../support/site.ts'

/*
 * Vite serves the files that `server.fs` allows, and no others. A picture that it does not serve is shown to nobody by a tag
 * either: not itself, not a placeholder, not its size.
 */

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

/** Sides of the pictures that are none of a visitor's business, unlike those of any other. */
const SECRET = { width: 77, height: 33 }

async function startSite(
  version?: ViteVersion,
  files: Readonly<Record<string, string>> = {},
): Promise<{ origin: string; root: string }> {
  const site = await writeSite({
    ...files,
    'app/index.html': '<html><img src="./open.png?upscale=2"></html>',
    'app/package.json': '{ "type": "module" }',
  })
  cleanups.push(() => site.remove())
  const root = join(site.root, 'app')
  const draw = (name: string, size = SECRET): Promise<unknown> =>
    sharp({ create: { ...size, channels: 3, background: '#f0f' } })
      .png()
      .toFile(join(site.root, name))
  await mkdir(join(root, 'private'))
  await Promise.all([
    draw('outside.png'),
    draw('app/private/denied.png'),
    draw('app/open.png', { width: 20, height: 12 }),
  ])
  const server = await startDevServer(
    { ...site, root },
    { engine: 'resize', include: [site.root] },
    { server: { fs: { strict: true, allow: [root], deny: ['**/private/**'] } } },
    version,
  )
  cleanups.push(() => server.close())
  return { origin: server.url.replace(/\/$/, ''), root }
}

interface Answer {
  readonly status: number
  readonly body: Buffer
  readonly type: string
}

/** Asks for an address as it is written, which `fetch` would tidy. */
function ask(
  origin: string,
  path: string,
  method = 'GET',
  headers: Record<string, string> = {},
): Promise<Answer> {
  const { hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, path, method, headers }, response => {
      const chunks: Buffer[] = []
      response.on('data', chunk => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks),
          type: response.headers['content-type'] ?? '',
        }),
      )
    })
    request.on('error', reject)
    request.end()
  })
}

/** Ways of writing an address of a file. */
function pathsOf(root: string): string[] {
  const outside = join(root, '../outside.png')
  return [
    '/private/denied.png',
    '//private/denied.png',
    '/./private/denied.png',
    '/src/../private/denied.png',
    '/private/%64enied.png',
    '/private%2fdenied.png',
    '/%70rivate/denied.png',
    '/private//denied.png',
    '/private/./denied.png',
    '/PRIVATE/../private/denied.png',
    `/@fs${root}/private/denied.png`,
    `/@fs/${root}/private/denied.png`,
    `/@id/${root}/private/denied.png`,
    '/@id//private/denied.png',
    '/@id/__x00__/private/denied.png',
    '/../outside.png',
    '/%2e%2e/outside.png',
    '/%2e%2e%2foutside.png',
    '/..%2foutside.png',
    '/..%5coutside.png',
    '/..\\outside.png',
    '/open.png/../../outside.png',
    `/@fs${outside}`,
    `/@fs/${outside}`,
    `/@fs${root}/../outside.png`,
    `/@fs${root}/%2e%2e/outside.png`,
    `/@id/${outside}`,
    `/@id/@fs${outside}`,
    `/@fs/etc/../..${outside}`,
  ]
}

const QUERIES = [
  '?upscale=2',
  '?import&upscale=2',
  '?upscale=2&import',
  '?import&inline&upscale=2',
  '?inline&upscale=2',
  '?import&as=metadata&upscale=2',
  '?as=metadata&upscale=2',
  '?import&as=srcset&upscale=2',
  '?import&url&upscale=2',
  '?import&raw&upscale=2',
  '?raw&upscale=2',
  '?raw?upscale=2',
  '?upscale=2?raw',
  '?upscale=2?import&raw',
  '??upscale=2&import&inline',
  '?import&inline&upscale=2#a',
  '?import&no-inline&upscale=2',
  '?import&init&upscale=2',
  '?import&worker&upscale=2',
  '?html-proxy&index=0.js&upscale=2',
  '?.svg?upscale=2&import&inline',
  '%3Fupscale=2',
  '?t=1&import&inline&upscale=2',
]

const METHODS = [
  ['GET', {}],
  ['GET', { Range: 'bytes=0-99', Accept: 'image/*' }],
  ['HEAD', {}],
  ['POST', {}],
] as const

/** What an answer shows of a secret picture; undefined for nothing. */
async function shownBy({ body, type }: Answer): Promise<string | undefined> {
  const text = body.toString('latin1')
  const inlined = [...text.matchAll(/data:image\/[a-z+]+;base64,([\w+/=]+)/g)]
  for (const picture of [body, ...inlined.map(([, data = '']) => Buffer.from(data, 'base64'))]) {
    const ratio = await ratioOf(picture)
    if (ratio !== undefined && Math.abs(ratio - SECRET.width / SECRET.height) < 0.1) return 'its pixels'
  }
  return /\b(?:77|154)\b/.test(text) && !type.includes('html') ? 'its size' : undefined
}

async function ratioOf(picture: Buffer): Promise<number | undefined> {
  try {
    const { width, height } = await sharp(picture).metadata()
    return width / height
  } catch {
    return undefined
  }
}

test.each(['8', '7', '6'] as const)(
  'a picture that Vite %s does not serve is not shown by a tag either',
  async version => {
    const { origin, root } = await startSite(version)
    const shown: string[] = []
    for (const path of pathsOf(root)) {
      for (const query of QUERIES) {
        for (const [method, headers] of METHODS) {
          const what = await shownBy(await ask(origin, path + query, method, headers))
          if (what !== undefined) shown.push(`${method} ${path}${query}: ${what}`)
        }
      }
    }
    expect(shown).toEqual([])
  },
)

test.each(['inline', 'as=metadata'])(
  'a picture that a module imports with %s is shown from wherever it lies',
  async key => {
    const code = `import '../outside.png?${key}&upscale=2'`
    const { origin } = await startSite('8', { 'app/main.js': code })
    const { body } = await ask(origin, '/main.js')
    const [, address = ''] = /import "([^"]+)"/.exec(body.toString()) ?? []
    expect(await shownBy(await ask(origin, address))).toBeDefined()
  },
)
