import { isAbsolute } from 'node:path'
import type { ResolvedConfig } from 'vite'
import type { HostLogger } from '../host-logger.ts'
import type { Project } from '../project-upscaler.ts'

/** Vite's logger, which doesn't say by itself who speaks. */
export function viteLogger({ logger, logLevel = 'info' }: ResolvedConfig): HostLogger {
  return {
    info: text => logger.info(`[upscale] ${text}`),
    warn: text => logger.warn(`[upscale] ${text}`),
    isTalkative: logLevel === 'info',
  }
}

/**
 * What Vite knows about the project. Its public folder is served and copied by Vite itself, so it may be read wherever
 * it lies.
 */
export function projectOf(config: ResolvedConfig): Project {
  const { root, envDir, mode, publicDir } = config
  const include = publicDir === '' || !isAbsolute(publicDir) ? [] : [publicDir]
  return {
    root,
    include,
    envDir: typeof envDir === 'string' ? envDir : undefined,
    mode,
    logger: viteLogger(config),
  }
}
