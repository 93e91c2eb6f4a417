import { expect, test } from 'vitest'
import { findOutputReferences } from './output.ts'

const HERO = './hero.png?upscale=2'

async function found(name: string, text: string): Promise<[string, number][]> {
  const references = await findOutputReferences(name, text, { ownPrefixes: [], isKnown: () => false })
  return references.map(({ reference, start }) => [reference, start])
}

test.each([
  ['a line of its own', `Pictures:\n\n${HERO}\n`],
  ['indented', `Pictures:\n  ${HERO}  \n`],
  ['a picture of Markdown', `# Hi\n\n![a hero](${HERO}) and text`],
  ['after a block of code', `\`\`\`js\nconst a = 1\n\`\`\`\n${HERO}\n`],
  ['beside a lone backtick', `It's 5\` long\n\n${HERO}\n\nand \` again`],
])('a text file: %s is a reference', async (_, text) => {
  expect(await found('notes.txt', text)).toEqual([[HERO, text.indexOf(HERO)]])
})

test.each([
  ['a block of code', `\`\`\`text\n${HERO}\n\`\`\`\n`],
  ['a block with a longer fence', `~~~~\n~~~\n${HERO}\n~~~~\n`],
  ['a block that a shorter fence does not end', `\`\`\`\`md\n\`\`\`js\n${HERO}\n\`\`\`\n\`\`\`\`\n`],
  ['a block that never ends', `\`\`\`\n\n${HERO}\n`],
  ['an indented block', `- item\n\n  \`\`\`\n  ${HERO}\n  \`\`\`\n`],
  ['a span', `Write \`![x](${HERO})\` there`],
  ['a span of two backticks', `\`\` ![x](${HERO}) \`\``],
  ['a span with another span in it', `\`\`f(\`${HERO}\`)\`\`\n\`\`g(\`${HERO}\`)\`\``],
  ['prose', `Write ${HERO} there`],
])('a text file: %s is text about a reference', async (_, text) => {
  expect(await found('llms-full.txt', text)).toEqual([])
})

const OWN = 'https://example.com/hero.png?upscale=2'

test.each([
  ['<link rel="canonical" href="https://example.com/a/">', OWN],
  ['<meta property="og:url" content="http://example.com">', OWN],
  ['<link rel="canonical" href="//example.com/a/">', '//example.com/hero.png?upscale=2'],
])('a page: a whole address of the server that %s names is a reference', async (told, address) => {
  for (const place of [
    `<meta property="og:image" content="${address}">`,
    `<script type="application/ld+json">{"image":"${address}"}</script>`,
  ]) {
    const page = `<!doctype html><head>${place}${told}</head>`
    expect((await found('index.html', page)).map(([reference]) => reference)).toEqual([address])
  }
})

test.each([
  ['nothing', ''],
  ['another server', '<link rel="canonical" href="https://www.example.org/">'],
  ['a part of its address', '<link rel="canonical" href="/a/">'],
])('a page that names %s leaves a whole address to its server', async (_, told) => {
  expect(await found('index.html', `${told}<meta property="og:image" content="${OWN}">`)).toEqual([])
})
