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

/** What Vite knows about the project. */
export function projectOf(config: ResolvedConfig): Project {
  const { root, envDir, mode } = config
  return { root, envDir: typeof envDir === 'string' ? envDir : undefined, mode, logger: viteLogger(config) }
}
