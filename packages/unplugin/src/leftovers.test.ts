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

test('only files that a browser reads references from are searched', () => {
  const names = ['a.js', 'a.mjs', 'a.css', 'a.html', 'a.js?v=1', 'a.png', 'a.js.map', 'a.json', 'a.txt']
  expect(names.filter(isSearched)).toEqual(['a.js', 'a.mjs', 'a.css', 'a.html', 'a.js?v=1'])
})
