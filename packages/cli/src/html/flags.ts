import type { EngineFlags } from '../flags.ts'

/** The flags of `upscale html`. */
export interface HtmlFlags extends EngineFlags {
  readonly base?: string
  readonly assets?: string
  readonly auto?: string
  readonly autoFiles?: readonly string[]
  readonly autoShown?: boolean
  readonly dryRun?: boolean
}
