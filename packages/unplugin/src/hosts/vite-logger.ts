import type { ResolvedConfig } from 'vite'
import type { HostLogger } from '../host-logger.ts'

/** Vite's logger, which doesn't say by itself who speaks. */
export function viteLogger({ logger, logLevel = 'info' }: ResolvedConfig): HostLogger {
  return {
    info: text => logger.info(`[upscale] ${text}`),
    warn: text => logger.warn(`[upscale] ${text}`),
    isTalkative: logLevel === 'info',
  }
}
