import { posix } from 'node:path'
import type { MarkdownRenderer } from 'vitepress'

/**
 * Lets a reference in running text break before its query, so that it fits on a phone, and cuts those in blocks of code
 * where nobody sees it. A text that is cut is no whole reference any more, which is how the plugin tells text about
 * references from references.
 */
export function cutReferences(md: MarkdownRenderer): void {
  const { code_inline: inline, fence } = md.renderer.rules
  md.renderer.rules.code_inline = (...args) =>
    (inline?.(...args) ?? '').replace(/(?=\?(?:upscale|w=))/g, '<wbr>')
  md.renderer.rules.fence = (...args) =>
    (fence?.(...args) ?? '').replace(/\?(?=upscale\b)/g, '<span>?</span>')
}

/** Shows the name of the file that a block of code is: ```js [vite.config.js]. A code group shows it by itself. */
export function fileNames(md: MarkdownRenderer): void {
  const fence = md.renderer.rules.fence
  md.renderer.rules.fence = (tokens, index, ...rest) => {
    // Before, since VitePress takes it out of the token.
    const name = /\[([^\]]+)\]/.exec(tokens[index]?.info ?? '')?.[1]
    const html = fence?.(tokens, index, ...rest) ?? ''
    if (name === undefined || isGrouped(tokens, index)) return html
    return `<div class="file"><div class="file-name">${md.utils.escapeHtml(name)}</div>${html}</div>`
  }
}

function isGrouped(tokens: readonly { readonly type: string }[], index: number): boolean {
  const before = tokens.slice(0, index).map(({ type }) => type)
  return before.lastIndexOf('container_code-group_open') > before.lastIndexOf('container_code-group_close')
}

/**
 * Pages are read in the repository too, where they link to sources and examples. The site has no such files, so there
 * the link becomes the path.
 */
export function linksOutside(md: MarkdownRenderer): void {
  md.core.ruler.push('links-outside', ({ tokens, env }) => {
    const folder = posix.dirname(env.relativePath ?? '')
    for (const { children } of tokens) {
      const opened: boolean[] = []
      for (const token of children ?? []) {
        if (token.type === 'link_open') {
          const href = token.attrGet('href') ?? ''
          const isOutside = href.startsWith('.') && posix.join(folder, href).startsWith('../')
          opened.push(isOutside)
          if (!isOutside) continue
          token.tag = 'span'
          token.attrs = [
            ['class', 'in-repository'],
            ['title', `In the repository: ${href.replace(/^(?:\.\.\/)+/, '')}`],
          ]
        } else if (token.type === 'link_close' && opened.pop()) {
          token.tag = 'span'
        }
      }
    }
  })
}
