import type { Compiler, Configuration } from '@rspack/core'
import { isUpscaleError } from 'upscale-core'
import type { ProjectUpscaler } from '../project-upscaler.ts'
import { isTaggedImage, pathOf } from '../reference.ts'

type Template = NonNullable<NonNullable<Configuration['output']>['assetModuleFilename']>
type Rules = NonNullable<Configuration['module']>['rules']

/**
 * Takes our keys out of `[query]`, which Rspack's default name of an asset has: a finished picture whose address still asks
 * for a larger one is enlarged again by whoever reads the output next.
 */
export function nameWithoutTags(
  { options, hooks }: Compiler,
  pictureSource: { readonly projectUpscaler: ProjectUpscaler },
): void {
  const untagged = (template: Template): Template =>
    typeof template === 'string' && !template.includes('[query]')
      ? template
      : (data, info) => {
          const text = typeof template === 'string' ? template : template(data, info)
          const { filename = '' } = data
          return isTaggedImage(filename)
            ? text.replaceAll('[query]', () => restOf(filename, pictureSource.projectUpscaler))
            : text
        }
  // Defaults are set before, and read after.
  hooks.afterEnvironment.tap('upscale', () => {
    const { output, module } = options
    if (output.assetModuleFilename !== undefined) {
      output.assetModuleFilename = untagged(output.assetModuleFilename)
    }
    for (const type of ['asset', 'asset/resource'] as const) rename(module.generator?.[type], untagged)
    renameIn(module.rules, untagged)
  })
}

function rename(generator: unknown, untagged: (template: Template) => Template): void {
  if (!hasName(generator)) return
  generator.filename = untagged(generator.filename)
}

function renameIn(rules: Rules, untagged: (template: Template) => Template): void {
  for (const rule of rules ?? []) {
    if (typeof rule !== 'object' || rule === null) continue
    rename(rule.generator, untagged)
    renameIn(rule.oneOf, untagged)
    renameIn(rule.rules, untagged)
  }
}

function hasName(generator: unknown): generator is { filename: Template } {
  return (
    typeof generator === 'object' &&
    generator !== null &&
    'filename' in generator &&
    ['string', 'function'].includes(typeof generator.filename)
  )
}

/** What is left of the query of a name, without its fragment; all of it when the directive is wrong, which the loader tells. */
function restOf(name: string, projectUpscaler: ProjectUpscaler): string {
  try {
    return projectUpscaler.parse({ reference: name, importer: undefined }).rest.replace(/#.*$/, '')
  } catch (error) {
    if (!isUpscaleError(error)) throw error
    return name.slice(pathOf(name).length)
  }
}
