export { show, unknownName } from './check.ts'
export {
  type Directive,
  type Output,
  OWN_KEYS,
  parseDirective,
  TAGGED,
  type UpscaleRequest,
} from './directive.ts'
export type {
  Engine,
  EngineContext,
  EngineParams,
  FileAnswer,
  FileEngine,
  FileRequest,
  PixelEngine,
  PixelImage,
  PixelRequest,
} from './engines/engine.ts'
export { type FalOptions, fal } from './engines/fal.ts'
export {
  type LumenfallOptions,
  lumenfall,
  type ReplayMatch,
  type ReplayMode,
  type ReplayOptions,
} from './engines/lumenfall.ts'
export {
  type Balance,
  type CatalogueModel,
  type EstimateRequest,
  type LumenfallCatalogue,
  type LumenfallCatalogueOptions,
  lumenfallCatalogue,
  type ModelSchema,
} from './engines/lumenfall-catalogue.ts'
export { type OpenaiCompatibleOptions, openaiCompatible } from './engines/openai-compatible.ts'
export { resize } from './engines/resize.ts'
export { loadEnv } from './env.ts'
export {
  ERROR_CODES,
  type ErrorCode,
  type ErrorDetails,
  type Importer,
  isUpscaleError,
  UpscaleError,
} from './errors.ts'
export { EXTENSION, FORMATS, type Format } from './format.ts'
export { type LineOwner, type LiveLine, openLiveLine } from './live-line.ts'
export { dollars } from './money/dollars.ts'
export {
  type ErrorPolicy,
  type HostFacts,
  OPTION_NAMES,
  type Preset,
  type ResolvedOptions,
  type UpscalerOptions,
} from './options.ts'
export { type PlannedImage, type PlanState, priceText } from './plan.ts'
export {
  createProgress,
  type Progress,
  type ProgressOutcome,
  type ProgressOutlet,
} from './progress.ts'
export type { Origin, Report, ReportImage } from './report.ts'
export { type SafeTextOptions, safeText } from './safe-text.ts'
export {
  createUpscaler,
  type HostEvents,
  type UpscaleContext,
  type UpscaledImage,
  type Upscaler,
} from './upscaler.ts'
