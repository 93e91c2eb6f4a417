export type {
  Engine,
  EngineContext,
  EngineParams,
  FileAnswer,
  FileEngine,
  FileRequest,
  PixelAnswer,
  PixelEngine,
  PixelRequest,
} from './engines/engine.ts'
export { type FalOptions, fal } from './engines/fal/fal.ts'
export { type IdeogramOptions, ideogram } from './engines/ideogram/ideogram.ts'
export {
  type LumenfallOptions,
  lumenfall,
  type ReplayMatch,
  type ReplayMode,
  type ReplayOptions,
} from './engines/lumenfall/lumenfall.ts'
export { type OpenaiCompatibleOptions, openaiCompatible } from './engines/openai/openai-compatible.ts'
export { resize } from './engines/resize.ts'
export {
  ERROR_CODES,
  type ErrorCode,
  type ErrorDetails,
  type Importer,
  isUpscaleError,
  UpscaleError,
} from './errors.ts'
export type { PixelImage } from './image/pixel-image.ts'
export type { ExaminedFile, ExaminedImage, PlannedImage, PlanState } from './pipeline/plan.ts'
export type { Origin, Report, ReportImage } from './pipeline/report.ts'
export type { RemoteDriver } from './remote/drivers/unstorage.ts'
export type { RemoteCache, RemoteCacheOptions } from './remote/settings.ts'
export { type Directive, type Output, parseDirective, type UpscaleRequest } from './request/directive.ts'
export type { ErrorPolicy, HostFacts, Preset, ResolvedOptions, UpscalerOptions } from './request/options.ts'
export { FORMATS, type Format } from './source/format.ts'
export {
  type AnswerContext,
  createUpscaler,
  type HostEvents,
  type KeptAnswer,
  type UpscaleContext,
  type UpscaledImage,
  type Upscaler,
} from './upscaler.ts'
