import { isUpscaleError, UpscaleError } from 'upscale-core'
import { escapeText } from 'upscale-core/internal'
import type { BuildOptions } from '../options.ts'
import { createProjectUpscaler, type Project, type ProjectUpscaler } from '../project-upscaler.ts'

/**
 * A upscaler that doesn't run what a dev server should not: by freezing, so that the upscaler itself refuses every call
 * of a paid engine, and by looking first where no engine may run at all. Such a picture fails with FROZEN_MISS.
 * @throws UpscaleError BAD_OPTION, UNKNOWN_ENGINE, KEY_EXPOSED
 */
export function createDevUpscaler({ upscaler, dev }: BuildOptions, project: Project): ProjectUpscaler {
  const projectUpscaler = createProjectUpscaler(
    dev === 'full' ? upscaler : { ...upscaler, frozen: true },
    project,
  )
  let underWay = 0

  async function finish(...[source, request, site]: Parameters<ProjectUpscaler['finish']>) {
    if (dev === 'full') return projectUpscaler.finish(source, request, site)
    if (dev === 'off' && !(await projectUpscaler.isAnswered(source, request, site))) throw notInDev()
    try {
      // A stand-in by `onError` is made in full and by this thread; the placeholder is quicker, and off it.
      return await projectUpscaler.finish(source, { ...request, onError: 'error' }, site)
    } catch (error) {
      if (isLeftOut(error)) throw withRemedyOfDev(error)
      const policy = request.onError ?? projectUpscaler.options.onError
      if (policy === 'error') throw error
      return projectUpscaler.finish(source, request, site)
    }
  }

  return {
    ...projectUpscaler,
    async finish(...picture) {
      underWay++
      try {
        return await finish(...picture)
      } finally {
        underWay--
      }
    },
    // A build is over here although pictures are still made.
    settle() {
      if (underWay === 0) projectUpscaler.settle()
    },
  }
}

function notInDev(): UpscaleError {
  return new UpscaleError('FROZEN_MISS', 'no engine runs here, because dev is "off"', {
    hint: 'build once to make the pictures, or remove the option dev',
  })
}

/** The upscaler is frozen here by us, so it is not `frozen` that stands in the way. */
function withRemedyOfDev(error: UpscaleError): UpscaleError {
  const { hint } = error.details
  if (!hint.includes('set frozen: false')) return error
  const problem = 'this picture was not bought yet, and a dev server buys none unless it is told to'
  return new UpscaleError('FROZEN_MISS', problem, {
    ...error.details,
    hint: 'build once where it may spend money and commit the cache folder, or set dev: "full"',
  })
}

/** True for a picture that was not made because no engine was allowed to run. */
export function isLeftOut(error: unknown): error is UpscaleError {
  return isUpscaleError(error) && error.code === 'FROZEN_MISS'
}

/**
 * Tells that pictures are left out, once for each remedy, which is the same for every picture of an engine; the first of
 * them is named.
 */
export function createLeftOutNotifier(warn: (text: string) => void): (leftOut: UpscaleError) => void {
  const told = new Set<string>()
  return ({ problem, details: { hint, file } }) => {
    if (told.has(hint)) return
    told.add(hint)
    const name = file === undefined ? '' : `${file}: `
    warn(escapeText(`${name}${problem}; plainly resampled pictures are shown instead: ${hint}`))
  }
}
