import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import sharp from 'sharp'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeProject, type Project } from './command.ts'

let project: Project
beforeEach(async () => {
  project = await makeProject()
  for (const name of ['hero.png', 'web/public/img/hero.png', 'web/public/img/2 small.png'])
    await project.write(name, await picture(60, 40))
})
afterEach(() => project.remove())

/** Noise, which no enlargement of a smaller picture has. */
async function picture(width: number, height: number): Promise<Buffer> {
  const data = Buffer.alloc(width * height * 3)
  for (let at = 0, state = 7; at < data.length; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    data[at] = state >>> 24
  }
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer()
}

/** Two frames. */
const MOVING = await sharp(
  [
    await picture(60, 40),
    await sharp(await picture(60, 40))
      .negate()
      .png()
      .toBuffer(),
  ],
  {
    join: { animated: true },
  },
)
  .gif()
  .toBuffer()
const NEXT = { 'web/package.json': '{ "dependencies": { "next": "^16.2.0" } }' }
const IMAGETOOLS = '{ "devDependencies": { "vite-imagetools": "^12.0.0" } }'

test.each<[string, string, Readonly<Record<string, string>>, string, string]>([
  [
    'a directive of vite-imagetools',
    'src/main.js',
    { 'package.json': IMAGETOOLS },
    `import a from '../hero.png?w=150&allowUpscale&format=webp'`,
    `import a from '../hero.png?upscale=3&w=150&format=webp'`,
  ],
  [
    'several widths of vite-imagetools, in a page',
    'index.html',
    { 'package.json': IMAGETOOLS },
    '<img src="./hero.png?allowUpscale=true&amp;w=30;120">',
    '<img src="./hero.png?upscale=2&amp;w=30;120">',
  ],
  [
    'an <Image> of Next.js',
    'app/page.tsx',
    {},
    `import Image from 'next/image'\nimport hero from '../hero.png'\nexport default () => <Image alt="hero" title='a > b, hero' className={styles.hero} src={hero} width={120} height={80} onLoad={() => { if (1 > 0) go() }} />`,
    `import Image from 'next/image'\nimport hero from '../hero.png?upscale=2'\nexport default () => <Image alt="hero" title='a > b, hero' className={styles.hero} src={hero} width={120} height={80} onLoad={() => { if (1 > 0) go() }} />`,
  ],
  [
    'an <Image> of Astro',
    'src/pages/index.astro',
    {},
    `---\nimport { Image } from 'astro:assets'\nimport hero from '../../hero.png'\n---\n<Image src={hero} width="180" alt="" />`,
    `---\nimport { Image } from 'astro:assets'\nimport hero from '../../hero.png?upscale=3'\n---\n<Image src={hero} width="180" alt="" />`,
  ],
  [
    'an <Image> of Next.js that gives one side',
    'page.tsx',
    {},
    `import Image from 'next/image'\nimport hero from './hero.png'\nconst a = [<Image src={hero} height={80} alt="" />, <Image src={hero} fill alt="" />]`,
    `import Image from 'next/image'\nimport hero from './hero.png?upscale=2'\nconst a = [<Image src={hero} height={80} alt="" />, <Image src={hero} fill alt="" />]`,
  ],
  [
    'pictures of public/ in Next.js',
    'web/app/page.tsx',
    NEXT,
    `import Image from "next/image";\nconst heroPicture = 1;\n{/* <Image src="/img/hero.png" width={120} height={80} /> */}\nconst a = [\n<Image src="/img/hero.png" width={120} height={80} alt="" />,\n<Image src={'/img/hero.png'} width="100" height="60" className="w-full h-auto" />,\n<Image src="/img/2%20small.png" height={120} alt="" />,\n];`,
    `import Image from "next/image";\nimport heroPicture2 from "../public/img/hero.png?upscale=2";\nimport picture2Small from "../public/img/2 small.png?upscale=3";\nconst heroPicture = 1;\n{/* <Image src="/img/hero.png" width={120} height={80} /> */}\nconst a = [\n<Image src={heroPicture2} width={120} height={80} alt="" />,\n<Image src={heroPicture2} width="100" height="60" className="w-full h-auto" />,\n<Image src={picture2Small} height={120} alt="" />,\n];`,
  ],
  [
    "an address of Cloudflare's images",
    'index.html',
    {},
    '<img src="https://example.com/cdn-cgi/image/width=120,fit=scale-up,format=auto/hero.png" srcset="/cdn-cgi/image/upscale=generate,width=240/hero.png 4x">',
    '<img src="/hero.png?upscale=2" srcset="/hero.png?upscale=4 4x">',
  ],
  [
    'addresses of imgix and Cloudinary, in CSS',
    'style.css',
    {},
    'a { background: url(https://acme.imgix.net/hero.png?w=180&upscale=true) }\nb { background: url("https://res.cloudinary.com/acme/image/upload/e_upscale/c_fill,h_9,w_120/v12/hero.png") }',
    'a { background: url(/hero.png?upscale=3) }\nb { background: url("/hero.png?upscale=2") }',
  ],
])('%s is tagged', async (_, file, files, before, after) => {
  for (const [name, text] of Object.entries({ ...files, [file]: before })) await project.write(name, text)
  const dry = await project.run(['migrate'])
  expect(dry.code).toBe(0)
  expect(await project.read(file)).toBe(before)
  const removed = before.split('\n').filter(line => !after.includes(line))
  for (const line of removed) expect(dry.stdout).toContain(`\n-${line}\n`)
  const added = after.split('\n').filter(line => !before.includes(line))
  for (const line of added) expect(dry.stdout).toContain(`\n+${line}\n`)
  expect((await project.run(['migrate', '--write'])).code).toBe(0)
  expect(await project.read(file)).toBe(after)
  const again = await project.run(['migrate', '--json'])
  expect(JSON.parse(again.stdout)).toMatchObject({ findings: [] })
})

test.each(['logo.png', 'logo@1x.png'])(
  'a file of @2x beside %s that was enlarged from the small one is replaced, and an original of its own is not',
  async small => {
    await project.write(
      `img/${small}`,
      await sharp(await picture(60, 40))
        .blur(1.5)
        .png()
        .toBuffer(),
    )
    const enlarged = sharp(project.path(`img/${small}`)).resize(120, 80, { kernel: 'cubic' })
    await project.write('img/logo@2x.png', await enlarged.png().toBuffer())
    await project.write('img/hero.png', await picture(60, 40))
    await project.write('img/hero@2x.png', await picture(120, 80))
    const page = `<img srcset="img/${small}, img/logo@2x.png 2x"><img srcset="img/hero.png 1x, img/hero@2x.png 2x">`
    await project.write('index.html', page)
    const { code, stderr } = await project.run(['migrate', '--write'])
    expect(code).toBe(0)
    expect(await project.read('index.html')).toBe(page.replace('logo@2x.png', `${small}?upscale=2`))
    expect(stderr).toContain('index.html:1: left as it is: it holds more detail than img/hero.png')
  },
)

test('a file of @2x that an editor enlarged is replaced, also where it was encoded with losses', async () => {
  const small = await sharp(await picture(96, 64))
    .blur(1)
    .png()
    .toBuffer()
  await project.write('small.png', small)
  // Bilinear, with the middle of each pixel in its middle, unlike sharp's own.
  const doubled = sharp(small).resize(192, 128, { kernel: 'nearest' })
  const bilinear = doubled.convolve({ width: 3, height: 3, kernel: [1, 2, 1, 2, 4, 2, 1, 2, 1] })
  await project.write('small@2x.png', await bilinear.png({ palette: true, quality: 90 }).toBuffer())
  await project.write('index.html', '<img src="small.png" srcset="small@2x.png 2x">')
  expect((await project.run(['migrate', '--write'])).code).toBe(0)
  expect(await project.read('index.html')).toBe('<img src="small.png" srcset="small.png?upscale=2 2x">')
})

test('a photograph of twice the pixels stays, however much of it is smooth', async () => {
  // Detail in a hundredth of it: over the whole picture, an enlargement of the small one comes within 38 dB.
  const smooth = sharp({ create: { width: 800, height: 600, channels: 3, background: '#d0d8e0' } })
  const face = {
    input: await sharp(await picture(96, 64))
      .linear(0.2, 100)
      .png()
      .toBuffer(),
    left: 320,
    top: 240,
  }
  const large = await smooth.composite([face]).png().toBuffer()
  await project.write('team@2x.png', large)
  await project.write('team.png', await sharp(large).resize(400, 300).png().toBuffer())
  const page = '<img src="team.png" srcset="team@2x.png 2x">'
  await project.write('index.html', page)
  const { stderr } = await project.run(['migrate', '--write'])
  expect(stderr).toContain('left as it is: it holds more detail than team.png')
  expect(await project.read('index.html')).toBe(page)
})

test.each<[string, string, Readonly<Record<string, string | Uint8Array>>, string]>([
  ['a width without allowUpscale', 'main.js', { 'package.json': IMAGETOOLS }, `import './hero.png?w=150'`],
  [
    'a key of its own',
    'main.js',
    { 'package.json': IMAGETOOLS },
    `import './hero.png?w=150&allowUpscale&blur=2'`,
  ],
  [
    'another plugin that reads it',
    'main.js',
    { 'package.json': '{}' },
    `import './hero.png?w=150&allowUpscale'`,
  ],
  [
    'an <Image> that takes its size from the file',
    'page.jsx',
    {},
    `import Image from 'next/image'\nimport hero from './hero.png'\nconst a = [<Image src={hero} width={120} height={80} />, <Image src={hero} />]`,
  ],
  [
    'an imported picture that code hands on as well',
    'page.jsx',
    {},
    `import Image from 'next/image'\nimport hero from './hero.png'\nconst list = [{ icon: hero }]\nconst a = <Image src={hero} width={120} height={80} />`,
  ],
  ...[
    '<Image src="/img/hero.png" width={120} height={80} className="w-10 h-10" />',
    '<Image src="/img/hero.png" width={120} height={80} style={{ width: 40, height: "auto" }} />',
    '<Image src="/img/hero.png" width={120} height={80} loader={toService} />',
    '<Image src="/img/hero.png" width={120} height={80} {...props} />',
    '<Image src="/img/%FF%.png" width={120} height={80} />',
    '<Image src="/img/hero.png" width={60} height={40} />',
    '<Image src="/img/hero.png" width={600} height={400} />',
    '<Image src="/img/gone.png" width={120} height={80} />',
    '<Image src={isDark ? "/img/hero.png" : "/img/2 small.png"} width={120} height={80} />',
  ].map((element): [string, string, Readonly<Record<string, string | Uint8Array>>, string] => [
    element,
    'web/page.jsx',
    NEXT,
    `import Image from 'next/image'\nconst a = ${element}`,
  ]),
  [
    'a picture of public/ where Next.js gives its address to a service',
    'web/page.jsx',
    {
      ...NEXT,
      'web/next.config.mjs': "export default { images: { loader: 'custom', loaderFile: './a.js' } }",
    },
    `import Image from 'next/image'\nconst a = <Image src="/img/hero.png" width={120} height={80} />`,
  ],
  [
    'an animation',
    'web/page.jsx',
    { ...NEXT, 'web/public/img/moving.gif': MOVING },
    `import Image from 'next/image'\nconst a = <Image src="/img/moving.gif" width={120} height={80} />`,
  ],
  [
    'another component of that name',
    'page.jsx',
    {},
    `import Image from './image'\nimport hero from './hero.png'\nconst a = <Image src={hero} width={120} height={80} />`,
  ],
  [
    'a picture that lies elsewhere',
    'index.html',
    {},
    '<img src="https://acme.imgix.net/gone.png?w=180&upscale=true">',
  ],
  [
    'an address of a service in code',
    'main.js',
    {},
    `hero.src = 'https://acme.imgix.net/hero.png?w=180&upscale=true'`,
  ],
  [
    'a size that the picture has',
    'index.html',
    {},
    '<img src="/cdn-cgi/image/width=60,fit=scale-up/hero.png">',
  ],
])('nothing is changed for %s', async (_, file, files, text) => {
  for (const [name, content] of Object.entries({ ...files, [file]: text })) await project.write(name, content)
  expect((await project.run(['migrate', '--write'])).code).toBe(0)
  expect(await project.read(file)).toBe(text)
})

test('an import that is written has the line ends of its source', async () => {
  await project.write('web/package.json', NEXT['web/package.json'])
  const element = (src: string): string => `const a = <Image src=${src} width={120} height={80} />\r\n`
  await project.write('web/a.jsx', `import Image from 'next/image'\r\n${element('"/img/hero.png"')}`)
  expect((await project.run(['migrate', '--write'])).code).toBe(0)
  const added = "import heroPicture from './public/img/hero.png?upscale=2'\r\n"
  expect(await project.read('web/a.jsx')).toBe(
    `import Image from 'next/image'\r\n${added}${element('{heroPicture}')}`,
  )
})

test('what a build wrote, and a source that is not UTF-8, are not touched', async () => {
  const page = '<img src="/cdn-cgi/image/width=120,fit=scale-up/hero.png">'
  const latin = Buffer.from(`<title>caf\xe9</title>${page}`, 'latin1')
  await project.write('packages/site/dist/index.html', page)
  await project.write('latin.html', latin)
  expect((await project.run(['migrate', '--write'])).code).toBe(0)
  expect(await project.read('packages/site/dist/index.html')).toBe(page)
  expect(await readFile(project.path('latin.html'))).toEqual(latin)
})

test('a package.json that is broken is none', async () => {
  await project.write('package.json', '{ "devDependencies": ')
  await project.write('main.js', `import a from './hero.png?w=150&allowUpscale'`)
  const { code, stderr } = await project.run(['migrate'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'would change 0 references, left 0\n' })
})

test.each([
  ['tabs, CRLF and a blank last line', '\tconst a = 1\r\n', '\r\n\r\n'],
  ['LF and no last line end', 'const a = 1\n', ' // the end'],
])('what is printed is a patch that git applies: %s', async (_, before, after) => {
  await project.write('package.json', IMAGETOOLS)
  const source = `${before}import b from './hero.png?w=150&allowUpscale'${after}`
  await project.write('main.js', source)
  const { stdout, stderr } = await project.run(['migrate'])
  expect(stderr).not.toMatch(/does not apply/)
  await project.write('changes.patch', stdout)
  execFileSync('git', ['apply', '--whitespace=nowarn', 'changes.patch'], { cwd: project.path('.') })
  const applied = await readFile(project.path('main.js'), 'utf8')
  expect(applied).toBe(source.replace('w=150&allowUpscale', 'upscale=3&w=150'))
})

test('a patch with characters that a terminal acts on says that it does not apply', async () => {
  await project.write('package.json', IMAGETOOLS)
  await project.write('main.js', `import b from './hero.png?w=150&allowUpscale' // \u001b[2J\u202e\n`)
  const { stdout, stderr } = await project.run(['migrate'])
  expect(stdout).toContain('\\u{1b}[2J\\u{202e}')
  expect(stdout + stderr).not.toContain('\u001b')
  expect(stdout + stderr).not.toContain('\u202e')
  expect(stderr).toContain('main.js: has characters that are shown by their numbers')
})
