import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createUpscaler } from 'upscale-core'
import { local } from 'upscale-local'
import { describe, expect, test } from 'vitest'
import { example } from './frameworks/example.ts'

// Hosts that are Vite or have a window to it: each example is built by its own script, and what ships is the engine's picture.

interface Host {
  readonly picture: string
  /** What ships. */
  readonly output: string
  /** Where the picture is named: a path in the output. */
  readonly named: RegExp
  /** Lists of what was built name it as it was written. */
  readonly lists?: RegExp
}

const HOSTS: Readonly<Record<string, Host>> = {
  laravel: {
    picture: 'resources/images/terrazzo.png',
    output: 'public/build',
    named: /manifest\.json$/,
    lists: /manifest\.json$/,
  },
  rails: {
    picture: 'app/frontend/images/terrazzo.png',
    output: 'public/vite',
    named: /manifest\.json$/,
    lists: /manifest\.json$/,
  },
  'react-router': { picture: 'app/terrazzo.png', output: 'build/client', named: /index\.html$/ },
  'tanstack-start': { picture: 'src/terrazzo.png', output: 'dist', named: /server\/.*\.js$/ },
  'electron-vite': { picture: 'src/renderer/terrazzo.png', output: 'out', named: /renderer\/index\.html$/ },
  storybook: { picture: 'src/terrazzo.png', output: 'dist', named: /assets\/gallery.*\.js$/ },
}

describe.each(Object.entries(HOSTS))('%s', (name, { picture, output, named, lists }) => {
  test('ships the engine’s picture, and names it', async () => {
    const { root, build, texts } = example(name)
    const printed = await build()
    expect([...printed.matchAll(/(\d+) upscaled/g)].map(([, made]) => Number(made))).toContain(1)
    const upscaler = createUpscaler({ root }, { engines: { local: local() } })
    const { digest } = await upscaler.upscale(picture, { factor: 2 })
    await upscaler.close()
    const shipped = (await readdir(join(root, output), { recursive: true })).filter(file =>
      /terrazzo-2x-[\w-]+\.png$/.test(file),
    )
    expect(shipped).not.toEqual([])
    for (const file of shipped) expect(digestOf(await readFile(join(root, output, file)))).toBe(digest)
    const files = [...(await texts(output))]
    const naming = files.filter(([, text]) => /terrazzo-2x-[\w-]+\.png/.test(text)).map(([file]) => file)
    expect(naming.some(file => named.test(file))).toBe(true)
    const left = files.filter(([, text]) => /[?&](?:amp;)?upscale=/.test(text)).map(([file]) => file)
    expect(left.filter(file => lists?.test(file) !== true)).toEqual([])
  })
})

describe('tests of components', () => {
  test('run under Vitest, and no engine does', async () => {
    const { root, build } = example('vitest')
    const printed = await build('test')
    expect(printed).toMatch(/1 passed/)
    expect(printed).not.toContain('[upscale]')
    expect(await findPictures(root)).toEqual([])
  })

  test.each(['test', 'test:modules'])('run under Jest by its script %s, and no engine does', async script => {
    const { root, build } = example('jest')
    expect(await build(script)).toContain('1 passed')
    expect(await findPictures(root)).toEqual([])
  })
})

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Pictures that an engine made. */
async function findPictures(root: string): Promise<string[]> {
  const cached = await readdir(join(root, 'node_modules/.cache'), { recursive: true }).catch(() => [])
  return cached.filter(file => file.endsWith('.png') && !file.includes('placeholders'))
}
