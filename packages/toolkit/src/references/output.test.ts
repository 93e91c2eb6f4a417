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
