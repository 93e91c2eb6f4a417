import type sharp from 'sharp'

/**
 * Loads sharp, which takes longer than a build with a full cache may: so only what decodes or encodes asks for it.
 */
export async function loadSharp(): Promise<typeof sharp> {
  const loaded: { readonly default?: typeof sharp } = await import('sharp')
  // What loads a config may load everything below it, and hand over a module's only export itself: Docusaurus, by jiti 1.
  return loaded.default ?? (loaded as unknown as typeof sharp)
}
