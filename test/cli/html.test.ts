import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { paint } from '../support/pictures.ts'
import { readTree } from '../support/site.ts'
import { look, makeProject, type Outcome, type Project } from './command.ts'

let project: Project

beforeEach(async () => {
  project = await makeProject()
})
afterEach(() => project.remove())

function html(...args: string[]): Promise<Outcome> {
  return project.run(['html', 'dist', '--engine', 'resize', ...args])
}

async function paintAll(...names: string[]): Promise<void> {
  await Promise.all(names.map(name => paint(project.path('dist'), name)))
}

/** What became of one page. */
async function rewrite(page: string, ...args: string[]): Promise<string> {
  await project.write('dist/index.html', page)
  const { code, stderr } = await html(...args)
  expect({ code, stderr }).toMatchObject({ code: 0 })
  return project.read('dist/index.html')
}

/** The names of new files depend on their content; in expectations the digest is `#`. */
function hide(text: string): string {
  return text.replace(/(-[\d.]+x)-[0-9a-f]{10}\./g, '$1-#.')
}

describe('a reference', () => {
  const FORMS = [
    ['<img src="img/a.png?upscale=2">', '<img src="img/a-2x-#.png">'],
    ['<img src=img/a.png?upscale=2>', '<img src="img/a-2x-#.png">'],
    ["<img src='./img/a.png?upscale=2'>", "<img src='./img/a-2x-#.png'>"],
    ['<IMG  SRC = "/img/a.png?upscale=2" alt=x>', '<IMG  SRC = "/img/a-2x-#.png" alt=x>'],
    ['<img src="img/a.png?upscale=1.5&amp;format=webp">', '<img src="img/a-1.5x-#.webp">'],
    ['<img src="img/a.png?upscale=2&amp;v=3#top">', '<img src="img/a-2x-#.png?v=3#top">'],
    ['<img src="img/a%20b.png?upscale=2">', '<img src="img/a-b-2x-#.png">'],
    ['<img src="img/a b.png?upscale=2">', '<img src="img/a-b-2x-#.png">'],
    ['<img src="img/100%.png?upscale=2">', '<img src="img/100-2x-#.png">'],
    ['<img data-src="img/a.png?upscale=2">', '<img data-src="img/a-2x-#.png">'],
    ['<img srcset="img/a.png 1x, img/a.png?upscale=2 2x">', '<img srcset="img/a.png 1x, img/a-2x-#.png 2x">'],
    [
      '<img srcset="img/a.png?upscale=2;3&amp;as=srcset">',
      '<img srcset="img/a.png 1x, img/a-2x-#.png 2x, img/a-3x-#.png 3x">',
    ],
    ['<source srcset="img/a.png?upscale=2 800w">', '<source srcset="img/a-2x-#.png 800w">'],
    ['<video poster="img/a.png?upscale=2"></video>', '<video poster="img/a-2x-#.png"></video>'],
    ['<link rel="icon" href="img/a.png?upscale=2">', '<link rel="icon" href="img/a-2x-#.png">'],
    [
      '<link rel="preload" imagesrcset="img/a.png?upscale=2 2x">',
      '<link rel="preload" imagesrcset="img/a-2x-#.png 2x">',
    ],
    [
      '<meta property="og:image" content="/img/a.png?upscale=2">',
      '<meta property="og:image" content="/img/a-2x-#.png">',
    ],
    [
      '<meta name="twitter:image" content="/img/a.png?upscale=2">',
      '<meta name="twitter:image" content="/img/a-2x-#.png">',
    ],
    ['<input type="image" src="img/a.png?upscale=2">', '<input type="image" src="img/a-2x-#.png">'],
    [
      '<svg><image xlink:href="img/a.png?upscale=2"/></svg>',
      '<svg><image xlink:href="img/a-2x-#.png"/></svg>',
    ],
    ['<svg><use href="img/a.png?upscale=2"/></svg>', '<svg><use href="img/a-2x-#.png"/></svg>'],
    [
      '<p style="background: url(img/a.png?upscale=2) red">',
      '<p style="background: url(&quot;img/a-2x-#.png&quot;) red">',
    ],
    ["<p style='background: url(img/a.png?upscale=2)'>", `<p style='background: url("img/a-2x-#.png")'>`],
    [
      '<style>p { background: url( "img/a.png?upscale=2" ) }</style>',
      '<style>p { background: url( "img/a-2x-#.png" ) }</style>',
    ],
    [
      '<template><img src="img/a.png?upscale=2"></template>',
      '<template><img src="img/a-2x-#.png"></template>',
    ],
    [
      '<noscript><img src="img/a.png?upscale=2"></noscript>',
      '<noscript><img src="img/a-2x-#.png"></noscript>',
    ],
  ] as const

  test('is found in every form, nothing else is touched, and a second run has nothing to do', async () => {
    await paintAll('img/a.png', 'img/a b.png', 'img/100%.png')
    const frame = (lines: readonly string[]): string =>
      `<!doctype html>\r\n<title>é 🙂 &amp;</title>\r\n${lines.map(line => `\t<div   id=x>${line}</div>`).join('\r\n')}\n`
    const made = hide(await rewrite(frame(FORMS.map(([before]) => before))))
    expect(made.split('\n')).toEqual(frame(FORMS.map(([, after]) => after)).split('\n'))
    expect((await html()).stdout).toContain('0 files rewritten')
  })

  const PROSE = [
    '<p>img/a.png?upscale=2</p>',
    '<!-- <img src="img/a.png?upscale=2"> -->',
    '<img alt="img/a.png?upscale=2" src="img/a.png">',
    '<img src="https://elsewhere.example/a.png?upscale=2">',
    '<script>const text = "img/a.png?upscale=2"</script>',
    '<style>p::before { content: "img/a.png?upscale=2" } /* url(img/a.png?upscale=2) */</style>',
    '<img src="img/a.png?w=200">',
  ]

  test('is not seen in prose, or where it leads elsewhere', async () => {
    await paintAll('img/a.png')
    const page = PROSE.join('\n')
    expect(await rewrite(page)).toBe(page)
  })

  test('in CSS files starts from the file, in both spellings of image-set', async () => {
    await paintAll('img/a.png')
    const css = (address: string): string =>
      [
        '@charset "utf-8"; @import "x.css";',
        `.a { background: url("${address}") }`,
        `.b { background-image: image-set("${address}" 1x type("image/png"), url('${address}') 2x) }`,
        `.c { background: -webkit-image-set(url( "${address}" ) 2x); content: "../img/a.png?upscale=2" }`,
        `.d { background: linear-gradient(red, rgb(0 0 0 / 1)), URL('${address}') }`,
        '',
      ].join('\r\n')
    await project.write('dist/css/main.css', css('../img/a.png?upscale=2'))
    expect((await html()).code).toBe(0)
    expect(hide(await project.read('dist/css/main.css'))).toBe(css('../img/a-2x-#.png'))
  })

  test('without quotes in CSS gets some', async () => {
    await paintAll('img/a.png')
    await project.write('dist/a.css', 'a{background:url(img/a.png?upscale=2)}')
    await html()
    expect(hide(await project.read('dist/a.css'))).toBe('a{background:url("img/a-2x-#.png")}')
  })

  test('leads to a real picture of the size asked for, made once', async () => {
    await paintAll('img/a.png', 'img/b.jpg')
    await project.write(
      'dist/x/deep.html',
      '<img src="../img/a.png?upscale=2"><img src="../img/b.jpg?upscale=3">',
    )
    await project.write('dist/index.html', '<img src="/img/a.png?upscale=2">')
    const { code, stdout } = await html()
    expect(code).toBe(0)
    expect(stdout).toContain('2 upscaled, 0 from the cache, 2 files rewritten, US$0.00 spent')
    const files = [...(await readTree(project.path('dist/img'))).keys()]
    expect(files.map(hide)).toEqual(['a-2x-#.png', 'a.png', 'b-3x-#.jpg', 'b.jpg'])
    expect(await look(project.path(`dist/img/${files[0]}`))).toBe('40x24 png')
    expect(await look(project.path(`dist/img/${files[2]}`))).toBe('60x36 jpeg')
  })
})

describe('the place of a site', () => {
  test.each([
    ['/sub/', '/sub/img/a.png?upscale=2', '/sub/img/a-2x-#.png'],
    [
      'https://a.example/sub/',
      'https://a.example/sub/img/a.png?upscale=2',
      'https://a.example/sub/img/a-2x-#.png',
    ],
    ['https://a.example/sub', '//a.example/sub/img/a.png?upscale=2', '//a.example/sub/img/a-2x-#.png'],
    ['https://a.example/sub/', '/sub/img/a.png?upscale=2', '/sub/img/a-2x-#.png'],
  ])('--base %s makes %s a file of it', async (base, before, after) => {
    await paintAll('img/a.png')
    expect(hide(await rewrite(`<img src="${before}">`, '--base', base))).toBe(`<img src="${after}">`)
  })

  test('may be moved by <base href>', async () => {
    await paintAll('img/a.png')
    expect(hide(await rewrite('<base href="/img/"><img src="a.png?upscale=2">'))).toBe(
      '<base href="/img/"><img src="a-2x-#.png">',
    )
  })

  test.each([
    ['img/a.png?upscale=2', '../files/big/a-2x-#.png'],
    ['/sub/page/img/a.png?upscale=2', '/sub/files/big/a-2x-#.png'],
    ['https://a.example/sub/page/img/a.png?upscale=2', 'https://a.example/sub/files/big/a-2x-#.png'],
  ])('--assets turns %s into %s', async (before, after) => {
    await paintAll('page/img/a.png')
    await project.write('dist/page/index.html', `<img src="${before}">`)
    await html('--assets', 'files/big', '--base', 'https://a.example/sub/')
    expect(hide(await project.read('dist/page/index.html'))).toBe(`<img src="${after}">`)
    expect([...(await readTree(project.path('dist/files'))).keys()].map(hide)).toEqual(['big/a-2x-#.png'])
  })
})

describe('--auto', () => {
  test('gives every image under the selector a larger picture, and only those, once', async () => {
    await paintAll('img/a.png', 'img/a, b.png')
    const page = (a: string, b: string): string =>
      `<img src="img/a.png"><main><p><img class=x src=img/a.png${a} alt=""><img src="img/a, b.png"${b}>` +
      '<img src="img/a.png" srcset="img/a.png 1x"><img src="logo.svg"><img src="data:image/png;base64,AAAA">' +
      '<img src="https://elsewhere.example/a.png"></main>'
    const made = await rewrite(page('', ''), '--auto', 'main')
    expect(hide(made)).toBe(
      page(' srcset="img/a.png 1x, img/a-2x-#.png 2x"', ' srcset="img/a%2C%20b.png 1x, img/a-b-2x-#.png 2x"'),
    )
    expect((await html('--auto', 'main')).stdout).toContain('0 files rewritten')
    expect(await project.read('dist/index.html')).toBe(made)
  })

  test('takes the factor, and leaves tagged images to their tags', async () => {
    await paintAll('a.png')
    const made = await rewrite(
      '<img src="a.png"><img src="a.png?upscale=2">',
      '--auto',
      'img',
      '--factor',
      '3',
    )
    expect(hide(made)).toBe('<img src="a.png" srcset="a.png 1x, a-3x-#.png 3x"><img src="a-2x-#.png">')
  })

  test('by folder, and not for a picture that says so', async () => {
    await paintAll('photos/a.png', 'b.png')
    const page = (a: string): string =>
      `<img src="photos/a.png"${a}><img src="photos/a.png" data-upscale="off"><img src="b.png">`
    const selector = 'img[src*="photos/"]:not([data-upscale="off"])'
    const made = await rewrite(page(''), '--auto', selector)
    expect(hide(made)).toBe(page(' srcset="photos/a.png 1x, photos/a-2x-#.png 2x"'))
  })

  test('by files and by how large the page shows them, which a dry run lists', async () => {
    await paintAll('photos/a.png', 'b.png')
    const page = (a: string): string => `<img src="photos/a.png" width=20${a}><img src="b.png" width=20>`
    await project.write('dist/index.html', page(''))
    const flags = ['--auto-shown', '--auto-files', 'photos/**']
    const dry = await html(...flags, '--dry-run')
    expect(dry.stdout).toMatch(
      /dist\/photos\/a\.png +×2 +missing +US\$0\.00 +dist\/index\.html:1\n1 picture for 1 file/,
    )
    expect(await project.read('dist/index.html')).toBe(page(''))
    const made = await rewrite(page(''), ...flags)
    expect(hide(made)).toContain(
      '<img src="photos/a.png" srcset="photos/a.png 1x, photos/a-2x-#.png 2x" width=20>',
    )
    expect(hide(made)).toContain('<img src="b.png" width=20>')
  })

  test('by rules of the config file, which plan lists in sources too', async () => {
    await paintAll('a.png', 'b.png')
    await project.write('upscale.config.mjs', 'export default { rules: [{ files: "/**/a.png", factor: 3 }] }')
    await project.write('dist/index.html', '<img src="a.png"><img src="b.png">')
    const { stdout } = await project.run(['plan', 'dist', '--engine', 'resize'])
    expect(stdout).toMatch(/missing +dist\/a\.png +×3 +resize +US\$0\.00 +dist\/index\.html:1\n1 picture/)
    expect((await html()).code).toBe(0)
    expect(hide(await project.read('dist/index.html'))).toBe(
      '<img src="a.png" srcset="a.png 1x, a-3x-#.png 3x"><img src="b.png">',
    )
    await project.write('upscale.config.mjs', 'export default { rules: [{ file: "a.png" }] }')
    expect(await html()).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean "files"') })
  })

  test('with something that is no selector is refused', async () => {
    await project.write('dist/index.html', '<p>')
    const { code, stderr } = await html('--auto', 'main[')
    expect(code).toBe(2)
    expect(stderr).toContain('is no selector')
  })
})

describe('a mistake', () => {
  test('is told with file and line for every place, and the other pages are finished', async () => {
    await paintAll('a.png')
    await project.write(
      'dist/bad.html',
      '<p>\n<p>\n<img src="gone.png?upscale=2">\n<img src="a.png?upscale=2">',
    )
    await project.write('dist/css/bad.css', 'a {}\nb { background: url(../gone.png?upscale=2) }')
    await project.write('dist/worse.html', '<img src="a.png?upscale=two">')
    await project.write('dist/good.html', '<img src="a.png?upscale=2">')
    const { code, stdout, stderr } = await html()
    expect(code).toBe(1)
    expect(stderr).toContain('"gone.png?upscale=2" in dist/bad.html:3')
    expect(stderr).toContain('"../gone.png?upscale=2" in dist/css/bad.css:2')
    expect(stderr).toContain('"a.png?upscale=two" in dist/worse.html:1')
    expect(stdout).toContain('3 references failed')
    expect(hide(await project.read('dist/good.html'))).toBe('<img src="a-2x-#.png">')
    expect(hide(await project.read('dist/bad.html'))).toContain(
      'src="gone.png?upscale=2">\n<img src="a-2x-#.png">',
    )
  })

  test.each([
    [['html', 'nowhere'], /no such folder/],
    [['html', 'dist', '--base', 'sub'], /expected a path or an address/],
    [['html', 'dist', '--assets', '../x'], /not a folder of the site/],
    [['html'], /missing required argument/],
  ])('%j ends with 2', async (args, why) => {
    await project.write('dist/index.html', '<p>')
    const { code, stderr } = await project.run(args)
    expect(stderr).toMatch(why)
    expect(code).toBe(2)
  })
})

test('bytes that are not UTF-8, and a byte order mark, stay as they are', async () => {
  await paintAll('a.png')
  const latin = Buffer.from('<p>caf\xe9<img src="a.png?upscale=2"><p>\xfc', 'latin1')
  await project.write('dist/latin.html', latin)
  await project.write('dist/mark.html', '\ufeff<img src="a.png?upscale=2">')
  await html()
  const bytes = await readFile(join(project.root, 'dist/latin.html'))
  expect(hide(bytes.toString('latin1'))).toBe('<p>caf\xe9<img src="a-2x-#.png"><p>\xfc')
  expect(hide(await project.read('dist/mark.html'))).toBe('\ufeff<img src="a-2x-#.png">')
})

test.each([
  ['little', (bytes: Buffer): Buffer => bytes],
  ['big', (bytes: Buffer): Buffer => bytes.swap16()],
])('a page in UTF-16, %s end first, is rewritten and stays one', async (_, order) => {
  await paintAll('a.png')
  const page = '\ufeff<p>caf\xe9 \u5199<img src="a.png?upscale=2">'
  await project.write('dist/wide.html', order(Buffer.from(page, 'utf16le')))
  await html()
  const bytes = order(await readFile(join(project.root, 'dist/wide.html')))
  expect(hide(bytes.toString('utf16le'))).toBe(page.replace('a.png?upscale=2', 'a-2x-#.png'))
})

describe('a page with a policy', () => {
  const digestOf = (text: string, algorithm = 'sha256'): string =>
    `${algorithm}-${createHash(algorithm).update(text).digest('base64')}`
  const policyOf = (...listed: string[]): string =>
    `<meta http-equiv="Content-Security-Policy" content="style-src ${listed.map(one => `'${one}'`).join(' ')}">`

  test.each([
    ['a style', (css: string) => `<style>${css}</style>`, 'sha256'],
    ['a style', (css: string) => `<style>${css}</style>`, 'sha512'],
    ['a style attribute', (css: string) => `<p style="${css}"></p>`, 'sha384'],
  ])('lists the new digest of %s beside the old one', async (_, place, algorithm) => {
    await paintAll('a.png')
    const css = 'a { background: url(a.png?upscale=2) }'
    const other = digestOf('p { color: red }')
    const page = await rewrite(policyOf(other, digestOf(css, algorithm)) + place(css))
    const [, written = ''] = /(?:<style>|style=")(a \{.*\})/.exec(page) ?? []
    const changed = written.replaceAll('&quot;', '"')
    expect(changed).toMatch(/a-2x-\w+\.png/)
    const listed = [other, digestOf(css, algorithm), digestOf(changed, algorithm)]
    expect(page.startsWith(policyOf(...listed))).toBe(true)
  })

  test('in a file of headers is left as it is and named with the new digest', async () => {
    await paintAll('a.png')
    const css = 'a { background: url(a.png?upscale=2) }'
    const headers = `/*\n  Content-Security-Policy: style-src '${digestOf(css)}'\n`
    await project.write('dist/_headers', headers)
    await project.write('dist/index.html', `<style>${css}</style>`)
    const { code, stderr } = await html()
    const [, changed = ''] = /<style>(.*)<\/style>/.exec(await project.read('dist/index.html')) ?? []
    expect(code).toBe(0)
    expect(stderr).toContain(`_headers:2 lists '${digestOf(css)}'`)
    expect(stderr).toContain(`add '${digestOf(changed)}'`)
    expect(await project.read('dist/_headers')).toBe(headers)
  })
})

describe('JSON and code in a page', () => {
  const ISLANDS = [
    [
      '<script type="application/ld+json">{"image":["a.png?upscale=2"],"name":"A"}</script>',
      '<script type="application/ld+json">{"image":["a-2x-#.png"],"name":"A"}</script>',
    ],
    [
      '<script id="__DATA__" type="application/json">{"src":"/a.png?upscale=2"}</script>',
      '<script id="__DATA__" type="application/json">{"src":"/a-2x-#.png"}</script>',
    ],
    [
      `<div data-options='{"image":"a.png?upscale=2","gap":8}'></div>`,
      `<div data-options='{"image":"a-2x-#.png","gap":8}'></div>`,
    ],
    [
      `<div x-data="{ src: 'a.png?upscale=2', open: false }"></div>`,
      `<div x-data="{ src: 'a-2x-#.png', open: false }"></div>`,
    ],
    [`<a hx-vals='{"image": "a.png?upscale=2"}'></a>`, `<a hx-vals='{"image": "a-2x-#.png"}'></a>`],
    [
      '<astro-island props="{&quot;src&quot;:[0,&quot;/a.png?upscale=2&quot;]}"></astro-island>',
      '<astro-island props="{&quot;src&quot;:[0,&quot;/a-2x-#.png&quot;]}"></astro-island>',
    ],
  ] as const

  test.each(ISLANDS)('%s', async (page, rewritten) => {
    await paintAll('a.png')
    expect(hide(await rewrite(page))).toBe(rewritten)
  })

  test.each([
    '<p>\n<script>load("a.png?upscale=2")</script>',
    '<p>\n<script type="application/json">{"src":"gone.png?upscale=2"}</script>',
    '<p>\n<script type="application/json">{"src":"a.png?upscale=99"}</script>',
    `<p>\n<div data-options='{"src":"gone.png?upscale=2"}'></div>`,
    '<p>\n<script type="application/json">{"html":"<img src=\\"a.png?upscale=2\\">"}</script>',
  ])('what can not be rewritten is named with its line, and the run goes well: %j', async page => {
    await paintAll('a.png')
    await project.write('dist/index.html', page)
    const { code, stderr } = await html()
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(stderr).toMatch(/notice: dist\/index\.html:2 mentions "\w+\.png\?upscale=\d+"/)
    expect(await project.read('dist/index.html')).toBe(page)
  })
})

test('a dry run writes nothing and tells the price', async () => {
  await paintAll('a.png')
  await project.write('dist/index.html', '<img src="a.png?upscale=2">')
  const before = await readTree(project.root)
  const { code, stdout } = await html('--dry-run')
  expect(code).toBe(0)
  expect(stdout).toContain('1 picture for 1 file, US$0.00 for what is missing')
  expect(await readTree(project.root)).toEqual(before)
})

test('a document tells what was made', async () => {
  await paintAll('a.png')
  await project.write('dist/index.html', '<img src="a.png?upscale=2"><img src="b.png?upscale=2">')
  const { code, stdout } = await html('--json')
  expect(code).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({
    images: [{ state: 'made', width: 40, height: 24, engine: 'resize' }, { state: 'failed' }],
    pages: [{ rewritten: true, references: 2 }],
    errors: [{ code: 'SOURCE_NOT_FOUND', importer: { file: 'dist/index.html', line: 1 } }],
  })
})

test('an SVG file is read as one, and addresses in scripts and feeds are told but not touched', async () => {
  await paintAll('a.png')
  const svg = (address: string): string =>
    `<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><image href="${address}"/></svg>\n`
  await project.write('dist/a.svg', svg('a.png?upscale=2'))
  const feed = '<rss><url>/a.png?upscale=2</url></rss>'
  await project.write('dist/feed.xml', feed)
  await project.write('dist/app.js', "\nload('a.png?upscale=2')")
  const { code, stderr } = await html()
  expect(code).toBe(0)
  expect(hide(await project.read('dist/a.svg'))).toBe(svg('a-2x-#.png'))
  expect(stderr).toContain('dist/app.js:2 mentions "a.png?upscale=2"')
  expect(stderr).toContain('dist/feed.xml:1 mentions "/a.png?upscale=2"')
  expect(await project.read('dist/feed.xml')).toBe(feed)
})
