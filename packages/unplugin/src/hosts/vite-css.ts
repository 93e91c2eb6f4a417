import { dirname, relative } from 'node:path'
import MagicString from 'magic-string'
import { TAGGED } from 'upscale-core'
import type { Alias, Plugin, Rollup } from 'vite'
import { findCssReferences } from '../css-references.ts'
import { isTaggedImage, pathOf } from '../reference.ts'
import type { ViteSession } from './vite-session.ts'

type PluginContext = Rollup.PluginContext
type Transformed = { code: string; map: ReturnType<MagicString['generateMap']> } | null

/** Marks our entry, so that environments which share one alias list get it once. */
const REPLACEMENT = '$&'
const entries = new WeakSet<Alias>()

/**
 * Lets the resolver that Vite uses for style sheets see tagged references. That resolver holds the alias plugin and
 * Vite's own and no user plugin, so an alias entry is the only way in that reaches imported files, partials, and
 * names that a preprocessor put together.
 *
 * It is added while the build starts: in the `config` hook Vite prints a deprecation warning for `customResolver`, and
 * in `configResolved` it gives up its native alias plugin for the whole build.
 */
export function addCssResolver(aliases: Alias[], session: ViteSession): void {
  if (aliases.some(alias => entries.has(alias))) return
  const entry: Alias = {
    find: TAGGED,
    replacement: REPLACEMENT,
    async customResolver(id, importer, options) {
      if (!isTaggedImage(id)) return null
      const mention = { reference: id, importer: importer && pathOf(importer) }
      const { slot, rest } = await session.slotFor(mention, 'a style sheet', async path => {
        // skipSelf: false, or the user's own aliases would be skipped along with this one.
        const resolved = await this.resolve(path, importer, { ...options, skipSelf: false })
        return resolved ? pathOf(resolved.id) : undefined
      })
      return { id: slot.file + rest }
    },
  }
  entries.add(entry)
  // First, so that a user's `@` doesn't take the reference before us.
  aliases.unshift(entry)
}

/**
 * Vite looks for images of the public folder before any resolver, so these are rewritten in the text. That reaches the
 * sheet itself, not what a preprocessor or an `@import` adds; such a reference is reported as left over.
 */
export async function rewritePublicImages(css: string, id: string, session: ViteSession): Promise<Transformed> {
  const importer = pathOf(id)
  const edited = new MagicString(css)
  for (const { value, start, end } of findCssReferences(css)) {
    if (!isTaggedImage(value) || session.publicFile(decodePath(pathOf(value))) === undefined) continue
    const { slot, rest } = await session.slotFor({ reference: value, importer }, 'a style sheet', noFile)
    edited.update(start, end, relativePath(importer, slot.file) + rest)
  }
  return edited.hasChanged() ? { code: edited.toString(), map: edited.generateMap({ hires: 'boundary' }) } : null
}

async function noFile(): Promise<undefined> {}
