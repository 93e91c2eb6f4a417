import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A page of the site, with the sentence that overviews show for it. */
export interface Page {
  readonly text: string
  /** Its address, as other pages link to it. */
  readonly link: string
  readonly about: string
}

export interface Section {
  readonly text: string
  readonly pages: readonly Page[]
}

const page = (text: string, link: string, about: string): Page => ({ text, link, about })

const SECTIONS: readonly Section[] = [
  {
    text: 'Get started',
    pages: [
      page('Choose your way in', '/start/', 'Which page is yours, and what you need'),
      page('In one minute', '/start/one-minute', 'The shortest way, and what to know'),
      page('Vite', '/start/vite', 'Vite 6, 7 and 8'),
      page('webpack', '/start/webpack', 'webpack 5'),
      page('Rspack', '/start/rspack', 'Rspack 2'),
      page('Rsbuild', '/start/rsbuild', 'Rsbuild 2'),
      page('Rollup', '/start/rollup', 'Rollup 4'),
      page('Rolldown', '/start/rolldown', 'Rolldown 1'),
      page('esbuild', '/start/esbuild', 'esbuild 0.25 and newer'),
      page('Farm', '/start/farm', 'Farm 1'),
      page('Bun', '/start/bun', 'Bun 1.4'),
      page('Plain HTML', '/start/plain-html', 'A folder of pages, no bundler'),
      page('Command line', '/start/command-line', 'Folders of pictures, pipes, scripts'),
      page('Frameworks', '/frameworks', 'Vue, React, SvelteKit, Astro, Next, Nuxt, Docusaurus, Angular'),
      page('More hosts', '/more-hosts', 'TanStack, Laravel, Rails, Electron, Storybook, WXT, Vitest, Jest'),
      page('Static site generators', '/static-sites', 'Eleventy, Hugo, Jekyll, make'),
    ],
  },
  {
    text: 'Guides',
    pages: [
      page('What you can tag', '/forms', 'Every form of reference, bundler by bundler'),
      page('Rules instead of tags', '/rules', 'By folder, by selector, or where a page shows too few pixels'),
      page('While you develop', '/inspector', 'Dev servers, progress, and the inspector'),
      page('Engines compared', '/engines', 'Pictures, speed and price of each engine'),
      page('How close it comes', '/quality', 'The embedded engine beside resamplers, in numbers and details'),
      page('Weight', '/weight', 'What files weigh, lighter formats, effort of encoders'),
      page('Cache', '/caching', 'What is kept where, and what to commit'),
      page('CI recipes', '/ci', 'GitHub, GitLab, Netlify, Cloudflare, Vercel'),
      page('What a build can cost', '/cost', 'Prices, the budget, frozen builds, the books'),
      page('Remote cache', '/remote-cache', 'One cache for several machines'),
      page('Queue', '/queue', 'Large folders on several machines'),
      page(
        'With other image tools',
        '/other-tools',
        'vite-imagetools, enhanced-img, Astro, and how to move over',
      ),
      page('Compared with other tools', '/comparison', 'Which image plugin reaches what'),
    ],
  },
  {
    text: 'When something fails',
    pages: [
      page('Error codes', '/errors', 'Every code: what happened, why, what to do'),
      page('When a paid call fails', '/failures', 'What was charged, and what the next build does'),
    ],
  },
  {
    text: 'Background',
    pages: [
      page('How it works', '/how-it-works', 'The way of a picture from reference to file'),
      page('What it does not do', '/limits', 'Formats, sizes and places that are left out'),
      page('Security and trust', '/security', 'What is checked, what leaves your machine'),
    ],
  },
  {
    text: 'Reference',
    pages: [
      page('Directive', '/reference/directive', 'Every key of a tagged reference'),
      page('Options', '/reference/options', 'Every option of the plugin, the engines and the server'),
      page('Environment variables', '/reference/environment', 'What is read from the environment'),
      page('Commands', '/reference/commands', 'The help of every command'),
      page('API', '/reference/api/', 'What the packages export'),
    ],
  },
]

const file = (link: string): string =>
  fileURLToPath(new URL(`..${link}${link.endsWith('/') ? 'index' : ''}.md`, import.meta.url))

/** The sections with the pages that this checkout has; the reference is there once it was generated. */
export const sections: readonly Section[] = SECTIONS.map(({ text, pages }) => ({
  text,
  pages: pages.filter(({ link }) => existsSync(file(link))),
}))

/** Pages of the generated API reference, one for each package. */
export function apiPages(): { text: string; link: string }[] {
  const folder = fileURLToPath(new URL('../reference/api/', import.meta.url))
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter(name => name.endsWith('.md') && name !== 'index.md')
    .map(name => name.slice(0, -'.md'.length))
    .map(name => ({ text: name, link: `/reference/api/${name}` }))
}
