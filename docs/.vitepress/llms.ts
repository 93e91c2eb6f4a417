import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Section } from './pages.ts'

/*
 * The documentation for assistants, in the form of llmstxt.org: llms.txt names every page with one sentence, llms-full.txt
 * holds the pages themselves, as Markdown.
 */

/**
 * @param source - the folder of the pages' sources
 * @param outDir - the folder of the built site
 */
export async function writeLlmsTexts(
  sections: readonly Section[],
  source: string,
  outDir: string,
): Promise<void> {
  const full: string[] = [HEAD]
  for (const page of sections.flatMap(({ pages }) => pages)) {
    const text = await readFile(join(source, sourceOf(page.link)), 'utf8')
    full.push(`<!-- ${addressOf(page.link)} -->\n\n${plain(text)}`)
  }
  await writeFile(join(outDir, 'llms.txt'), `${HEAD}\n${sections.map(listOf).join('\n')}`)
  await writeFile(join(outDir, 'llms-full.txt'), `${full.join('\n\n')}\n`)
}

const HEAD = `# unplugin-upscale

> Add ?upscale=2 to an image reference, and the build ships that image twice as large. A local neural network does it by
> default: no key, no network, nothing to pay. For Vite, webpack, Rspack, Rsbuild, Rollup, Rolldown, esbuild, Farm and Next.js.
`

function listOf({ text, pages }: Section): string {
  return `## ${text}\n\n${pages.map(page => `- [${page.text}](${addressOf(page.link)}): ${page.about}\n`).join('')}`
}

const sourceOf = (link: string): string => `.${link}${link.endsWith('/') ? 'index' : ''}.md`

/** From the root of the site, so that it holds wherever that is served. */
const addressOf = (link: string): string => `.${link}${link.endsWith('/') ? 'index' : ''}.html`

/** Without the front matter, and without what our tests read behind the language of a code block. */
function plain(markdown: string): string {
  return markdown
    .replace(/^---\n[\s\S]*?\n---\n/, '')
    .replace(/^(\s*```+\w+(?: \[[^\]]*\])?)[^\n]*$/gm, '$1')
    .trim()
}
