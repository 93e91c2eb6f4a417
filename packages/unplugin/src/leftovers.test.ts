import { describe, expect, test } from 'vitest'
import { findLeftovers, isSearched, type LeftoverRules } from './leftovers.ts'

const NOTHING_KNOWN: LeftoverRules = { ownPrefixes: [], isKnown: () => false }

async function referencesIn(name: string, text: string, rules = NOTHING_KNOWN): Promise<string[]> {
  const found = await findLeftovers([{ name, text: () => text }], rules)
  return found.map(({ reference }) => reference)
}

describe('a reference is found', () => {
  test.each([
    ['a.js', 'x.src = "./a.png?upscale=2"', './a.png?upscale=2'],
    ['a.mjs', "x.src = '/my photo.jpg?w=8&upscale'", '/my photo.jpg?w=8&upscale'],
    ['a.js', 'x.src = `a.webp?upscale=2`', 'a.webp?upscale=2'],
    ['a.js', 'x.src = `/img/' + '$' + '{name}.png?upscale=2`', '.png?upscale=2'],
    ['a.js', 'load({}, `/img/' + '$' + '{name}.png?upscale=2`, 7)', '.png?upscale=2'],
    ['a.js', 'x.src = "/img/" + name + ".png?upscale=2#top"', '.png?upscale=2#top'],
    ['a.js', 'eval("x.src = \\"./a.png?upscale=2\\"\\n")', './a.png?upscale=2'],
    ['a.css', 'a { background: url(./a.png?upscale=2) }', './a.png?upscale=2'],
    ['a.css', 'a { background: image-set("./a.png?upscale=2" 1x) }', './a.png?upscale=2'],
    ['a.html', '<img src=./a.png?upscale=2>', './a.png?upscale=2'],
    ['a.html', '<img data-src="./a.png?w=8&amp;upscale=2">', './a.png?w=8&upscale=2'],
    ['a.html', '<img srcset="./b.png 1x, ./a.png?upscale=2 2x">', './a.png?upscale=2'],
    ['a.html', '<p style="background: url(./a.png?upscale=2)">', './a.png?upscale=2'],
    ['a.html', '<style>p { background: url(./a.png?upscale=2) }</style>', './a.png?upscale=2'],
    ['a.html', '<script>x.src = "./a.png?upscale=2"</script>', './a.png?upscale=2'],
    ['a.html', '<template><img src="./a.png?upscale=2"></template>', './a.png?upscale=2'],
    ['a.html', '<noscript><img src="./a.png?upscale=2"></noscript>', './a.png?upscale=2'],
    ['a.js', `x.innerHTML = '<img src="./a.png?upscale=2">'`, './a.png?upscale=2'],
    ['a.js', 'x.innerHTML = "<p>\\n<img src=\\"./a.png?upscale=2\\">"', './a.png?upscale=2'],
    ['a.js', 'x.innerHTML = "\\x3cimg src=./a.png?upscale=2>"', './a.png?upscale=2'],
    ['a.js', 'root = f(`<!> <img src="/a.png?upscale=2"/>`, 1)', '/a.png?upscale=2'],
    ['a.js', 'r.push(`<!--[--><p>Hi</p> and <img src="/a.png?w=8&amp;upscale=2"/>`)', '/a.png?w=8&upscale=2'],
    ['a.js', 'html`<img srcset="./b.png 1x, ./a.png?upscale=2 2x">`', './a.png?upscale=2'],
    ['a.js', 'f(`<p style="background: url(./a.png?upscale=2)">`)', './a.png?upscale=2'],
    ['a.js', 'f(`<style>p { background: url(./a.png?upscale=2) }</style>`)', './a.png?upscale=2'],
    ['a.js', 'f(`<svg><image xlink:href="./a.png?upscale=2"/></svg>`)', './a.png?upscale=2'],
    ['a.js', `x.insertAdjacentHTML('beforeend', '<img src="./a.png?upscale=2">')`, './a.png?upscale=2'],
    ['a.js', `h('p', { innerHTML: '<img src="./a.png?upscale=2">' })`, './a.png?upscale=2'],
    [
      'a.js',
      'f(`<p>' + '$' + '{n} is <img class="' + '$' + '{c}" src="./a.png?upscale=2">`)',
      './a.png?upscale=2',
    ],
    ['a.js', 'f(`' + '$' + '{head()}<img src="./a.png?upscale=2">`)', './a.png?upscale=2'],
    ['a.js', 'f(`<img src="' + '$' + '{base}/a.png?upscale=2">`)', '/a.png?upscale=2'],
    ['a.js', 'f(`<ul>' + '$' + '{g(`<img src="./a.png?upscale=2">`)}</ul>`)', './a.png?upscale=2'],
    ['a.js', `'<img src="./a.png?upscale=2" alt="' + alt + '">'`, './a.png?upscale=2'],
    ['a.js', `"<img src='./a.png?upscale=2' alt='" + alt + "'>"`, './a.png?upscale=2'],
    ['a.js', `'<img src=./a.png?upscale=2 alt=' + alt + '>'`, './a.png?upscale=2'],
    ['a.js', `'<img alt="' + alt + '" src="./a.png?upscale=2">'`, './a.png?upscale=2'],
    ['a.js', `'<img' + more + ' src="./a.png?upscale=2">'`, './a.png?upscale=2'],
    ['a.js', `'<img src="/img/' + name + '.png?upscale=2">'`, '.png?upscale=2'],
    ['a.js', 'eval("x.innerHTML = \'<img src=\\"./a.png?upscale=2\\">\'\\n")', './a.png?upscale=2'],
    // CSS in strings.
    ['a.js', `f({ backgroundImage: "url('./a.png?upscale=2')" })`, './a.png?upscale=2'],
    ['a.js', `f({ background: "crimson url(./a.png?upscale=2) 3px" })`, './a.png?upscale=2'],
    [
      'a.js',
      `f({ "background-image": "linear-gradient(#000, #fff8), url(./a.png?upscale=2)" })`,
      './a.png?upscale=2',
    ],
    ['a.js', 'd.style.background = "url(./a.png?upscale=2) no-repeat"', './a.png?upscale=2'],
    ['a.js', 'd.style.setProperty("--hero", "url(./a.png?upscale=2)")', './a.png?upscale=2'],
    ['a.js', 'd.style.cssText = "color: red; background: url(./a.png?upscale=2)"', './a.png?upscale=2'],
    ['a.js', 'styled.div`background: url("./a.png?upscale=2") no-repeat;`', './a.png?upscale=2'],
    ['a.js', 'css`\n:host { background: url(./a.png?upscale=2) }`', './a.png?upscale=2'],
    [
      'a.js',
      'css`a { color: ' + '$' + '{c}; background: ' + '$' + '{d} url(./a.png?upscale=2) }`',
      './a.png?upscale=2',
    ],
    ['a.js', 'css`a { background: url(' + '$' + '{base}/a.png?upscale=2) }`', '/a.png?upscale=2'],
    ['a.js', 'sheet.replaceSync(".a{background:image-set(\'./a.png?upscale=2\' 1x)}")', './a.png?upscale=2'],
    ['a.js', 'x = "url(/img/" + name + ".png?upscale=2) no-repeat"', '.png?upscale=2'],
    ['a.js', 'x = "url(\'./a.png?upscale=2\')"', './a.png?upscale=2'],
    ['a.js', 'x = "no-repeat center/cover url(./a.png?upscale=2)"', './a.png?upscale=2'],
    // Lists, data and code in strings.
    ['a.js', 'i.srcset = "./b.png 1x, ./a.png?upscale=2 2x"', './a.png?upscale=2'],
    ['a.js', 'm = JSON.parse(\'{"items":[{"image":"./a.png?upscale=2"}]}\')', './a.png?upscale=2'],
    ['a.js', 'm = JSON.parse(\'{"html":"<img src=\\\\"./a.png?upscale=2\\\\">"}\')', './a.png?upscale=2'],
    ['a.js', 'm = "# Hi\\n![a hero](./a.png?upscale=2)"', './a.png?upscale=2'],
    ['a.js', 'w = new Blob(["const u = \'./a.png?upscale=2\'"])', './a.png?upscale=2'],
    ['a.js', 'const c = "x=\'./a.png?upscale=2\'"; w = new Blob(["", c])', './a.png?upscale=2'],
    ['a.js', 'new Function("a", "a.src=\'./a.png?upscale=2\'")', './a.png?upscale=2'],
    [
      'a.js',
      `w = "data:text/javascript;base64,${Buffer.from('x="./a.png?upscale=2"').toString('base64')}"`,
      './a.png?upscale=2',
    ],
    [
      'a.js',
      `w = "data:text/javascript,${encodeURIComponent('x="./a.png?upscale=2"')}"`,
      './a.png?upscale=2',
    ],
    ['a.js', 'm = { "src": "./a.png?w=8\\u0026upscale=2" }', './a.png?w=8&upscale=2'],
    ['a.js', 'x = c ? "./a.png?upscale=2" : "./b.png"', './a.png?upscale=2'],
    ['a.js', 'images.set("a", "./a.png?upscale=2")', './a.png?upscale=2'],
    ['a.js', 'const id = "./a.png?upscale=2"', './a.png?upscale=2'],
    ['a.css', ':root { --hero: "./a.png?upscale=2" }', './a.png?upscale=2'],
    ['a.css', 'a { background: url( "./a.png?upscale=2" ) }', './a.png?upscale=2'],
    // Other places of a page.
    ['a.html', '<p :style="{ backgroundImage: \'url(./a.png?upscale=2)\' }">', './a.png?upscale=2'],
    ['a.html', '<img onerror="this.src=\'./a.png?upscale=2\'">', './a.png?upscale=2'],
    ['a.html', '<p data-props="{&quot;src&quot;:[0,&quot;./a.png?upscale=2&quot;]}">', './a.png?upscale=2'],
    ['a.html', '<p data-bg="url(./a.png?upscale=2)">', './a.png?upscale=2'],
    [
      'a.html',
      '<script type="application/ld+json">{"image":"./a.png?upscale=2"}</script>',
      './a.png?upscale=2',
    ],
    ['a.html', '<script type="text/template"><img src="./a.png?upscale=2"></script>', './a.png?upscale=2'],
    ['a.html', '<iframe srcdoc="<img src=./a.png?upscale=2>">', './a.png?upscale=2'],
    // Text files.
    ['a.json', '{"image": "./a.png?upscale=2"}', './a.png?upscale=2'],
    ['a.json', '["./a.png?upscale=2"]', './a.png?upscale=2'],
    ['a.json', '{"css": "a{background:url(./a.png?upscale=2)}"}', './a.png?upscale=2'],
    ['a.webmanifest', '{"icons":[{"src":"./a.png?upscale=2","sizes":"64x64"}]}', './a.png?upscale=2'],
    ['a.xml', '<rss><enclosure url="./a.png?upscale=2"/></rss>', './a.png?upscale=2'],
    ['a.xml', '<urlset><image:loc>/a.png?w=8&amp;upscale=2</image:loc></urlset>', '/a.png?w=8&upscale=2'],
    ['a.xml', '<d><![CDATA[<img src="./a.png?upscale=2">]]></d>', './a.png?upscale=2'],
    ['a.xml', '<d>&lt;img src="./a.png?upscale=2"&gt;</d>', './a.png?upscale=2'],
    ['a.svg', '<svg><image href="./a.png?upscale=2"/></svg>', './a.png?upscale=2'],
    ['a.svg', '<svg><style>a { fill: url(./a.png?upscale=2) }</style></svg>', './a.png?upscale=2'],
    ['a.txt', '# Site\n./a.png?upscale=2\n', './a.png?upscale=2'],
    ['a.txt', 'See ![hero](./a.png?upscale=2).', './a.png?upscale=2'],
  ])('in %s: %s', async (name, text, reference) => {
    expect(await referencesIn(name, text)).toEqual([reference])
  })

  test('under the public path, although it has a scheme', async () => {
    const rules = { ...NOTHING_KNOWN, ownPrefixes: ['https://cdn.example/'] }
    const text = 'x.src = "https://cdn.example/a.png?upscale=2"'
    expect(await referencesIn('a.js', text, rules)).toEqual(['https://cdn.example/a.png?upscale=2'])
  })
})

describe('prose is left alone', () => {
  test.each([
    ['a.js', 'x = "Write <img src=\\"./a.png?upscale=2\\"> and build"'],
    ['a.js', 'x = `<code>import a from "./a.png?upscale=2"</code>`'],
    ['a.js', 'x = "Write import a from ./a.png?upscale=2"'],
    ['a.js', 'x = "?upscale=2"'],
    ['a.js', '// x.src = "./a.png?upscale=2"'],
    ['a.js', '/*! ./a.png?upscale=2 */'],
    ['a.js', 'x = /a\\.png\\?upscale=2/'],
    ['a.js', 'x.src = "https://images.example/a.png?upscale=2"'],
    ['a.js', 'x.src = "./a.png?upscaled=2"'],
    ['a.js', 'x.src = "./data.json?upscale=2"'],
    // What Svelte, Vue, React and MDX make of an escaped example.
    ['a.js', 'f(`<code>&lt;img src="./a.png?upscale=2"&gt;</code>`)'],
    ['a.js', 'f(`<span>src=</span><span>"./a.png?upscale=2"</span>`)'],
    ['a.js', `h("code", null, '<img src="./a.png?upscale=2">', -1)`],
    ['a.js', `h("code", { class: c("a", 1) }, '<img src="./a.png?upscale=2">', 2)`],
    ['a.js', `h(Code, null, '<img src="./a.png?upscale=2">')`],
    ['a.js', `[t(' <img src="./a.png?upscale=2"> ', -1)]`],
    ['a.js', `h("p", null, [t("Write "), t(' <img src="./a.png?upscale=2"> ')])`],
    ['a.js', `_createTextVNode('<img src="./a.png?upscale=2">')`],
    ['a.js', `jsx("code", { className: "x", children: '<img src="./a.png?upscale=2">' })`],
    ['a.js', `jsx("code", { children: ["Write ", '<img src="./a.png?upscale=2">'] })`],
    ['a.js', `x.textContent = '<img src="./a.png?upscale=2">'`],
    ['a.js', `x.innerHTML = '<img alt="./a.png?upscale=2" title="./a.png?upscale=2" src="./b.png">'`],
    ['a.js', `x.innerHTML = '<img src="https://images.example/a.png?upscale=2">'`],
    ['a.js', `x = a + b > c + '?' + "write ./a.png?upscale=2 > here"`],
    ['a.css', '/* url(./a.png?upscale=2) */ a { color: red }'],
    // Names, and what is shown.
    ['a.html', '<p class="bg-[url(./a.png?upscale=2)] p-4" id="./a.png?upscale=2"></p>'],
    ['a.html', `<p class="bg-[url('./a.png?upscale=2')]"></p>`],
    ['a.html', '<pre>url(./a.png?upscale=2)</pre><textarea>./a.png?upscale=2</textarea>'],
    ['a.html', '<!-- <style>a { background: url(./a.png?upscale=2) }</style> -->'],
    ['a.html', '<p data-text="Write background: url(./a.png?upscale=2) here">'],
    ['a.js', 'jsx("p", { className: "bg-[url(./a.png?upscale=2)]" })'],
    ['a.js', 'jsx("p", { className: "p-4 hover:bg-[url(./a.png?upscale=2)] m-2" })'],
    ['a.js', `x.className = "bg-[url('./a.png?upscale=2')]"`],
    [
      'a.js',
      'jsx("p", { id: "./a.png?upscale=2", title: "./a.png?upscale=2", "aria-label": "./a.png?upscale=2" })',
    ],
    ['a.js', 'x.title = "./a.png?upscale=2"'],
    ['a.js', 'x.textContent = "./a.png?upscale=2"'],
    ['a.js', 'jsx("code", { children: "./a.png?upscale=2" })'],
    ['a.js', 'h("code", null, "./a.png?upscale=2", -1)'],
    ['a.js', 'h("code", null, "background: url(./a.png?upscale=2)")'],
    ['a.js', 'm = { "./src/a.png?upscale=2": 1 }'],
    ['a.js', 'x = "See url(./a.png?upscale=2) in the documentation"'],
    ['a.js', 'x = "Write background: url(./a.png?upscale=2) in your CSS"'],
    ['a.js', 'x = "Write `![a](./a.png?upscale=2)` in Markdown"'],
    ['a.js', 'x = "import a from \'./a.png?upscale=2\'"'],
    ['a.css', '.bg-\\[url\\(\\.\\/a\\.png\\?upscale\\=2\\)\\] { color: red }'],
    ['a.css', 'img[src="./a.png?upscale=2"] { color: red }'],
    ['a.css', 'a::after { content: "./a.png?upscale=2" }'],
    ['a.json', '{"name": "./a.png?upscale=2", "src/a.png?upscale=2": { "id": 7 }}'],
    ['a.json', '{"text": "Tag ./a.png?upscale=2 like this"}'],
    ['a.xml', '<!-- <image href="./a.png?upscale=2"/> --><p>Write ./a.png?upscale=2</p>'],
    ['a.txt', 'Write ./a.png?upscale=2\n```\n![a](./a.png?upscale=2)\n```\n'],
    ['a.html', '<p>Write "./a.png?upscale=2" <!-- <img src="./a.png?upscale=2"> --></p>'],
    ['a.html', '<img alt="./a.png?upscale=2">'],
    ['a.html', '<p title="see ./a.png?upscale=2 for more"></p>'],
    ['a.js.map', '{"sourcesContent":["x.src = \\"./a.png?upscale=2\\""]}'],
  ])('in %s: %s', async (name, text) => {
    expect(await referencesIn(name, text)).toEqual([])
  })

  test('what the bundler itself writes', async () => {
    const rules = { ...NOTHING_KNOWN, isKnown: (text: string) => text === './src/a.png?upscale=2' }
    expect(await referencesIn('a.js', 'm = { "./src/a.png?upscale=2": 1 }', rules)).toEqual([])
    const choice = `h(Object.assign({ "./a.png": () => 1 }), \`./\${f(\`\${a}/b\`)}/\${c}.png?upscale=2\`, 3)`
    expect(await referencesIn('a.js', choice)).toEqual([])
  })
})

test.each([
  '`<img src="./a.png?upscale=2$' + '{b}',
  '}`<img src="./a.png?upscale=2',
  '\'<img src="./a.png?upscale=2',
  '"\\u{ffffff}<img alt=?upscale=2\\',
  ')]}`+"?upscale=2>"',
])('code that is none, or breaks off, ends no search: %j', async text => {
  await expect(referencesIn('a.js', text)).resolves.toBeInstanceOf(Array)
})

test('files that can hold references are searched, source maps and pictures not', () => {
  const names = ['a.js', 'a.mjs', 'a.css', 'a.html', 'a.js?v=1', 'a.png', 'a.js.map', 'a.json', 'a.txt']
  expect(names.filter(isSearched)).toEqual([
    'a.js',
    'a.mjs',
    'a.css',
    'a.html',
    'a.js?v=1',
    'a.json',
    'a.txt',
  ])
})

test('source maps quote sources, whatever they are called', () => {
  expect(['main.js.map', 'server.mjs.map.json', 'a.css.map'].filter(isSearched)).toEqual([])
  expect(['data.json', 'app.webmanifest'].filter(isSearched)).toHaveLength(2)
})
