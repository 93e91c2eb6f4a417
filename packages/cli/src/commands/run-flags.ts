import type { WantedSize } from '../files/size.ts'
import type { EncodingFlags, EngineFlags } from '../flags.ts'

/** Flags of `upscale <paths…>`. */
export interface RunFlags extends EngineFlags, EncodingFlags {
  readonly out?: string
  readonly suffix?: string
  readonly to?: WantedSize
  readonly minGain?: number
  readonly dryRun?: boolean
}
