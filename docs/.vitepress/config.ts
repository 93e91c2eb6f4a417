import { local } from 'unplugin-upscale'
import upscale from 'unplugin-upscale/vite'
import { defineConfig } from 'vitepress'
import { writeLlmsTexts } from './llms.ts'
import { cutReferences, fileNames, linksOutside } from './markdown.ts'
import { apiPages, sections } from './pages.ts'

export default defineConfig({
  lang: 'en',
  title: 'unplugin-upscale',
  description:
    'Add ?upscale=2 to an image reference, and your build ships that image twice as large. Local, cached, checked.',
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: '/icon.svg' }]],
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config(md) {
      md.use(cutReferences).use(fileNames).use(linksOutside)
    },
  },
  themeConfig: {
    logo: '/icon.svg',
    search: { provider: 'local' },
    outline: { level: [2, 3] },
    nav: [
      { text: 'Get started', link: '/start/', activeMatch: '^/start/' },
      { text: 'Engines', link: '/engines' },
      { text: 'Cost and CI', link: '/cost', activeMatch: '^/(cost|ci|caching)' },
      { text: 'Error codes', link: '/errors' },
      { text: 'Reference', link: '/reference/directive', activeMatch: '^/reference/' },
    ],
    sidebar: sections.map(({ text, pages }) => ({
      text,
      collapsed: false,
      items: pages.map(({ text, link }) =>
        link === '/reference/api/' ? { text, link, collapsed: true, items: apiPages() } : { text, link },
      ),
    })),
  },
  buildEnd: ({ srcDir, outDir }) => writeLlmsTexts(sections, srcDir, outDir),
  vite: {
    plugins: [
      // The site's pictures are those of the example, at their true, small size.
      upscale({
        include: ['../examples/vite/src/pictures'],
        engines: { fast: local({ model: 'fast' }) },
      }),
    ],
  },
})
