/** Texts that made some reader slow or made it overflow once, and such as may: by what reads them, each of any length. */

export const TAG = 'a.png?upscale=2'
const fill = (part, length) => part.repeat(Math.ceil(length / part.length))
/** The same, each part with a number of its own. */
const number = (length, partOf) => {
  const parts = []
  for (let at = 0, done = 0; done < length; at++) {
    parts.push(partOf(at))
    done += parts.at(-1).length
  }
  return parts.join('')
}

export const TEXTS = {
  page: {
    images: length => fill(`<img src="${TAG}">`, length),
    'images and styles': length => {
      const parts = Array.from({ length: length / 60 }, (_, at) => at)
      const styles = parts.map(at => `.c${at}{width:${at}px}`)
      return `<style>${styles.join('')}</style>${parts.map(at => `<img class=c${at} src=a.png>`).join('')}<img src="${TAG}">`
    },
    'nested tags': length => `${fill('<b>', length)}<img src="${TAG}">`,
    'nested lists': length => `${fill('<ul><li>', length)}<img src="${TAG}">`,
    'misnested tags': length => `<img src="${TAG}">${fill('<b><p></b>', length)}`,
    'a data address': length => `<img src="${TAG}"><img src="data:image/png;base64,${fill('A', length)}">`,
    'a srcset of data': length =>
      `<img src="${TAG}" srcset="${fill('data:image/gif;base64,AAAA 1x, ', length)}">`,
    'styles in attributes': length => fill(`<p style="background:url(${TAG})">`, length),
    'styles in elements': length => fill(`<style>p{background:url(${TAG})}</style>`, length),
    'scripts in elements': length => fill(`<script>x='${TAG}'</script>`, length),
    'an open script': length => `<img src="${TAG}"><script>${fill('<!--<script>', length)}`,
    'an open text area': length => `<img src="${TAG}"><textarea>${fill('</texta', length)}`,
    'backslashes and quotes': length => `<img src="${TAG}" alt="${fill("\\'", length)}">`,
    'character references': length => `<img src="${TAG}" alt="${fill('&amp', length)}">`,
    'attributes of one tag': length => `<img src="${TAG}" ${fill('a ', length)}>`,
    'a srcset of commas': length => `<img src="${TAG}" srcset="${fill(',', length)}">`,
    'a style of data': length =>
      `<p style="background:url(${TAG}) url(data:image/png;base64,${fill('A', length)})">`,
    'open comments': length => `<img src="${TAG}">${fill('<!--', length)}`,
    'equals signs': length => `<img src="${TAG}" ${fill('=', length)}>`,
    'a million attributes': length => `<img src="${TAG}" ${number(length, at => `a${at}=b `)}>`,
    'ends that nothing opened': length =>
      `<img src="${TAG}">${fill('<div>', length / 2)}${fill('</p>', length / 2)}`,
    'paragraphs in formatting': length =>
      `<img src="${TAG}">${fill('<b>', length / 2)}${fill('<p>', length / 2)}`,
    'tables in tables': length => `<img src="${TAG}">${fill('<table><tr><td>', length)}`,
    'texts before tables': length => `<img src="${TAG}"><table>${fill('a<b>', length)}`,
    'drawings in drawings': length => `<img src="${TAG}">${fill('<svg><desc>', length)}`,
    'drawings with styles': length =>
      fill(`<svg><style><![CDATA[a{background:url(${TAG})}]]></style></svg>`, length),
    'templates in templates': length => `${fill('<template>', length)}<img src="${TAG}">`,
    'links to styles': length => `<img src="${TAG}">${fill('<link rel=stylesheet href=a.css>', length)}`,
    'a data address in each image': length =>
      `<img src="${TAG}">${fill('<img src="data:image/png;base64,AAAA">', length)}`,
    'a drawing as data': length =>
      `<img src="${TAG}"><img src="data:image/svg+xml,${fill("%3Cimage href='./a.png?upscale=2'/%3E", length)}">`,
    'a page as data in base64': length =>
      `<iframe src="data:text/html;base64,${Buffer.from(fill(`<img src="${TAG}">`, length * 0.75)).toString('base64')}"></iframe>`,
    'a page in a page': length => `<iframe srcdoc="${fill(`<img src='${TAG}'>`, length)}"></iframe>`,
    'data in attributes': length => fill(`<p data-a='{"a":"./${TAG}","b":2}'></p>`, length),
    'data of one attribute': length => `<p data-a='[${fill(`{"a":"./${TAG}"},`, length)}0]'></p>`,
    'code in attributes': length => fill(`<p :style="show('./${TAG}', 1)"></p>`, length),
    'data in a script': length =>
      `<script type="application/json">[${fill(`"./${TAG}",`, length)}0]</script>`,
    'a srcset of tags': length => `<img srcset="${fill(`${TAG} 2x, `, length)}">`,
    'bases and canonicals': length =>
      `<img src="${TAG}">${fill('<base><link rel=canonical href=//a>', length)}`,
    'one line of text': length => `<img src="${TAG}">${fill('word ', length)}`,
    'null characters': length => `<img src="${TAG}">${fill('\0', length)}`,
    'surrogates and UTF-16': length => `<img src="${TAG}">${fill('😀\ud800é', length / 2)}`,
    'line ends of Windows': length => fill(`<p>\r\n<img src="${TAG}">\r\n`, length),
  },
  style: {
    'a data address': length => `a{background:url(${TAG}) url(data:image/png;base64,${fill('A', length)})}`,
    'a quoted data address': length =>
      `a{background:url(${TAG}) url("data:image/png;base64,${fill('A', length)}")}`,
    'open comments': length => `a{background:url(${TAG})}${fill('/*', length)}`,
    'open addresses': length => `a{background:url(${TAG})}${fill('url(', length)}`,
    'open addresses with spaces': length => `a{background:url(${TAG})}${fill('url(   ', length)}`,
    'an address of spaces': length => `a{background:url(${TAG})}url(${fill(' ', length)}`,
    'backslashes and quotes': length => `a{background:url(${TAG})}${fill('\\"', length)}`,
    'an open string': length => `a{background:url(${TAG})}"${fill('\\"', length)}`,
    'nested blocks': length => `${fill('a{', length)}background:url(${TAG})`,
    'nested brackets': length => `a{background:${fill('image-set(', length)}url(${TAG})`,
    'an image set': length => `a{background:image-set(${fill(`url(${TAG}) 1x,`, length)})}`,
    'many addresses': length => fill(`a{background:url(${TAG})}`, length),
    'equals signs': length => `a{background:url(${TAG})}${fill('=', length)}`,
    'data addresses of a drawing': length =>
      `a{background:url(${TAG})}${fill(`b{background:url("data:image/svg+xml,%3Csvg xmlns='a'%3E")}`, length)}`,
    'an open address of escapes': length => `a{background:url(${TAG})}url(${fill('\\"', length)}`,
    'a million imports': length => `${fill('@import "a.css";', length)}a{background:url(${TAG})}`,
    'imports by address': length => `${fill('@import url(a.css);', length)}a{background:url(${TAG})}`,
    'open brackets': length => `a{background:url(${TAG})}${fill('(', length)}`,
    'open square brackets': length => `a{background:url(${TAG})}${fill('[', length)}`,
    'closing brackets': length => `a{background:url(${TAG})}${fill(')', length)}`,
    'a list of addresses in a declaration': length =>
      `a{background:${fill(`url(${TAG}),`, length)}url(b.png)}`,
    'a custom property of strings': length => `a{--a:${fill(`"${TAG}" `, length)}}`,
    'words in a declaration': length => `a{background:url(${TAG}) ${fill('left ', length)}}`,
    'one selector': length => `${fill('.a,', length)}b{background:url(${TAG})}`,
    'escapes in an address': length => `a{background:url(${TAG}) url("${fill('\\61 ', length)}")}`,
    'a drawing with spaces as data': length =>
      `a{background:url(${TAG}) url("data:image/svg+xml,${fill("%3Csvg xmlns='a'%3E ", length)}")}`,
    'a source map': length =>
      `a{background:url(${TAG})}/*# sourceMappingURL=data:application/json;base64,${fill('A', length)} */`,
    comments: length => `a{background:url(${TAG})}${fill('/* a */', length)}`,
    'strings that break off': length => `a{background:url(${TAG})}${fill('"a\n', length)}`,
    'addresses that break off': length => `a{background:url(${TAG})}${fill('url(a b', length)}`,
    'a sheet on one line': length =>
      number(length, at => `.c${at}{color:#fff;background:url(./a${at}.png?upscale=2)}`),
    'characters of two units': length => `a{background:url(${TAG})}${fill('😀', length / 2)}`,
  },
  srcset: {
    commas: length => fill(',', length),
    'spaces and commas': length => fill(' ,', length),
    spaces: length => fill(' ', length),
    candidates: length => fill('a.png 2x,', length),
    'addresses of data': length => fill('data:image/png;base64,AAAA 1x,', length),
    'open brackets': length => `a.png ${fill('(', length)}`,
    'one address of commas': length => `a${fill(',', length)}b 1x`,
    'one descriptor': length => `a.png ${fill('x ', length)}`,
    'candidates with spaces': length => fill('a.png   2x   ,   ', length),
    'an address after commas': length => `${fill(', ', length)}a.png 2x`,
    'tagged candidates': length => fill(`${TAG} 2x,`, length),
  },
  source: {
    images: length => fill(`<img src="${TAG}">`, length),
    spaces: length => `"${TAG}"${fill(' ', length)}`,
    'equals signs': length => `"${TAG}"${fill('=', length)}`,
    quotes: length => `"${TAG}"${fill('"', length)}`,
    brackets: length => `"${TAG}"${fill('(', length)}`,
    'backslashes and quotes': length => `"${TAG}" '${fill('\\"', length)}`,
    'a data address': length => `"${TAG}" "data:image/png;base64,${fill('A', length)}"`,
    'open comments': length => `"${TAG}" ${fill('/*', length)}`,
    'open page comments': length => `"${TAG}" ${fill('<!--', length)}`,
    'styles in strings': length => fill(`'a{background:url(${TAG})}';`, length),
    'one word': length => `"${TAG}" ${fill('a', length)}`,
    'one word of dots': length => `"${TAG}" ${fill('.png?', length)}`,
    'an open string': length => `"${TAG}" "${fill('x ', length)}`,
    'words without a sign': length => `"${TAG}" ${fill(')a.png?b', length)}`,
    'one word without a sign': length => `"${TAG}" "${fill('.png?', length)}`,
    'words before a long end': length => `"${fill('a.png?b ', length / 2)}${fill('a', length / 2)}"`,
    'one line of addresses': length => fill(`"./${TAG}",`, length),
    'addresses in markup on one line': length => fill(`<Image src="./${TAG}"/>`, length),
    'descriptors on one line': length => fill(`./${TAG} 2x, `, length),
    components: length =>
      `<template>${fill(`<img src="./${TAG}" />\n`, length)}</template>\n<script setup>\n</script>`,
    'nested elements': length => `const a = ${fill('<div>', length)}<img src="./${TAG}" />`,
    'nested templates': length => `${fill('`${', length)}"./${TAG}"`,
    'a source map': length =>
      `"./${TAG}"\n//# sourceMappingURL=data:application/json;base64,${fill('A', length)}`,
    'lists of Markdown': length => fill(`- ![a](./${TAG})\n`, length),
    'line ends': length => `"./${TAG}"${fill('\n', length)}`,
    'characters of two units': length => `"./${TAG}"${fill('😀', length / 2)}`,
  },
  script: {
    'strings of markup': length => `f(${fill(`'<img src="./${TAG}">',`, length)})`,
    'strings of markup in a list': length => `f([${fill(`'<img src="./${TAG}">',`, length)}])`,
    'a sum of markup': length => `x=''${fill(`+'<img src="./${TAG}">'`, length)}`,
    'strings of styles': length => `f(${fill(`'a{background:url(./${TAG})}',`, length)})`,
    'a string of styles': length => `f('${fill(`a{background:url(./${TAG})}`, length)}')`,
    'a string of a srcset': length => `f('<img src="./${TAG}" srcset="${fill(',', length)}">')`,
    'a string of escaped markup': length => `f("${fill(`<img src=\\"./${TAG}\\">`, length)}")`,
    'strings of data': length => fill(`x='./${TAG}';y='data:image/png;base64,AAAA';`, length),
    'nested objects': length => `x=${fill('{a:', length)}'./${TAG}'`,
    'equals signs': length => `x='./${TAG}';${fill('=', length)}`,
    'a regular expression': length => `x='./${TAG}';/${fill('[a', length)}`,
    templates: length => fill(`f(\`<img src="./\${a}${TAG}">\`);`, length),
    'nested templates': length => `${fill('`${', length)}"./${TAG}"`,
    'tails of templates': length => fill(`load({},\`./\${a}/${TAG}\`,9);`, length),
    'tails in one call': length => `load(${fill(`\`./\${a}/${TAG}\`,9,`, length)})`,
    'nested evals': length => `eval("${fill(`x='./${TAG}';`, length)}")`,
    'an open string': length => `x='./${TAG}';"${fill('\\"', length)}`,
    'an open comment': length => `x='./${TAG}';/*${fill('* ', length)}`,
    'a long string': length => `x='./${TAG}';y="${fill('A', length)}"`,
    'a string of escapes': length => `x='./${TAG}';y="${fill('\\n', length)}"`,
    comments: length => `x='./${TAG}';${fill('/**/', length)}`,
    'open brackets': length => `x='./${TAG}';${fill('(', length)}`,
    'a tag that breaks off': length => `x = a + "?upscale ${fill('= ', length)}"`,
    'sums of rests': length => `x=a${fill(`+ ' src="./${TAG}">'`, length)}`,
    'strings in nested lists': length => `x=${fill(`['<img src="./${TAG}">',`, length)}`,
    'strings in nested calls': length => `x=${fill(`h("div",null,'<img src="./${TAG}">',`, length)}`,
    'elements of a compiler': length => fill(`_("p",{src:"./${TAG}"},[_("b",null,"a")]);`, length),
    'nested elements of a compiler': length => `${fill('h("p",null,[', length)}"./${TAG}"`,
    'markup in a template of many parts': length => `x=\`${fill(`<img src="./${TAG}">\${a}`, length)}\``,
    'templates in calls in templates': length =>
      `${fill('f(a,`${', length / 2)}'./${TAG}'${fill('}/b`,2)', length / 2)}`,
    'a template of many parts': length => `x=\`${fill(`\${a}./${TAG} `, length)}\``,
    'templates in templates': length => `x=${fill(`\`./${TAG}\${`, length)}`,
    'parts of a blob': length => `new Blob([${fill(`"x='./${TAG}';",`, length)}])`,
    'a source map': length =>
      `x='./${TAG}';\n//# sourceMappingURL=data:application/json;base64,${fill('A', length)}`,
    'a bundle on one line': length =>
      number(length, at => `function a${at}(e,t){return e>t?e.b("./c${at}.png"):t[${at}]/2}`) +
      `x='./${TAG}';`,
    'a bundle of modules': length =>
      fill(`var a=n(1),b={d:"M0 0",e:[1,2,3]};t.exports=function(){return "./${TAG}"};`, length),
    'words of a bundle': length => `x='./${TAG}';${fill('if(a)b;else c;', length)}`,
    'divisions and expressions': length => `x='./${TAG}';${fill('a/b/c;', length)}`,
    'comments before a string': length => `f(${fill('/* @vite-ignore */', length)}'./${TAG}')`,
    'line comments': length => `x='./${TAG}';${fill('//a\n', length)}`,
    'a page as data': length => `x="data:text/html,${fill(`%3Cimg src='./${TAG}'%3E`, length)}"`,
    'a script as data in base64': length =>
      `new Worker("data:text/javascript;base64,${Buffer.from(fill(`x='./${TAG}';`, length * 0.75)).toString('base64')}")`,
    'data in a string': length => `JSON.parse('[${fill(`"./${TAG}",`, length)}0]')`,
    'Markdown in a string': length => `x="${fill(`![a](./${TAG})\\n`, length)}"`,
    'fences in a string': length => `x="![a](./${TAG})\\n${fill('```\\n', length)}"`,
    'sums of addresses': length => `x=a${fill(`+"./${TAG}"`, length)}`,
    'sums of words': length => `x="./${TAG}"${fill('+"a"', length)}`,
    'keys of objects': length => `x={${fill(`"./${TAG}":1,`, length)}}`,
    'unicode escapes': length => `x='./${TAG}';y="${fill('\\u0061', length)}"`,
    'characters of two units': length => `x='./${TAG}';y="${fill('😀', length / 2)}"`,
  },
  data: {
    'a list': length => `[${fill(`"./${TAG}",`, length)}0]`,
    'a list of words': length => `["./${TAG}",${fill('"a",', length)}0]`,
    'nested lists': length => `${fill('[', length)}"./${TAG}"`,
    'lists of addresses in lists': length => fill(`["./${TAG}",`, length),
    'nested objects': length => `${fill('{"a":', length)}"./${TAG}"`,
    'a manifest': length =>
      `{${number(length, at => `"src/a${at}.js":{"file":"assets/a${at}.js","src":"./${TAG}","isEntry":true},`)}"z":0}`,
    'pages in strings': length => `[${fill(`"<img src='./${TAG}'>",`, length)}0]`,
    'one page in a string': length => `["${fill(`<img src='./${TAG}'>`, length)}"]`,
    'data in a string': length => `["[${fill(`\\"./${TAG}\\",`, length)}0]"]`,
  },
  xml: {
    entries: length => fill(`<item><link href="./${TAG}"/>./${TAG}</item>`, length),
    'open sections': length => `<a>./${TAG}</a>${fill('<![CDATA[', length)}`,
    'open comments': length => `<a>./${TAG}</a>${fill('<!--', length)}`,
    'open tags': length => `<a>./${TAG}</a>${fill('<a b=', length)}`,
    'equals signs and spaces': length => `<a b="./${TAG}" ${fill('= ', length)}>`,
    'an equals sign and spaces': length => `<a b="./${TAG}" =${fill(' ', length)}>`,
    'sections with pages': length => fill(`<a><![CDATA[<img src="./${TAG}">]]></a>`, length),
    'pages that are escaped': length => `<a>${fill(`&lt;img src="./${TAG}"&gt;`, length)}</a>`,
  },
  prose: {
    lines: length => fill(`./${TAG}\n`, length),
    pictures: length => fill(`![a](./${TAG}) `, length),
    'open pictures': length => `![a](./${TAG}) ${fill('![', length)}`,
    'open addresses': length => `![a](./${TAG}) ${fill('![a](', length)}`,
    'one paragraph': length => `![a](./${TAG}) ${'`a`\n'}${fill('a\n', length)}`,
    paragraphs: length => `![a](./${TAG}) ${'`a`\n\n'}${fill('a\n\n', length)}`,
    'blank lines of spaces': length => `![a](./${TAG}) \`a\`\n${fill(' ', length)}`,
    fences: length => `![a](./${TAG})\n${fill('```\na\n```\n', length)}`,
    'an open fence': length => `![a](./${TAG})\n\`\`\`\n${fill('a\n', length)}`,
    'a fence of backticks': length => `![a](./${TAG})\n${fill('`', length)}`,
    'fences of other lengths': length => `![a](./${TAG})\n\`\`\`\n${fill('``\n', length)}`,
    'spans of growing length': length =>
      `![a](./${TAG}) ${number(length, at => `${'`'.repeat((at % 3000) + 1)} `)}`,
    'backticks and spaces': length => `![a](./${TAG}) ${fill('` ', length)}`,
  },
}
