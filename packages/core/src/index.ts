export {
  type Archive,
  type ArchivedImage,
  type ArchivedRecord,
  type EntryFacts,
  type EntryShelf,
  openArchive,
  type RecordShelf,
  type RootName,
} from './archive.ts'
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
export { type AccountOrder, ordersOf } from './money/account.ts'
export { dollars } from './money/dollars.ts'
export type { LedgerEntry } from './money/ledger.ts'
export type { CallWitness } from './money/witness.ts'
export {
  type ErrorPolicy,
  type HostFacts,
  OPTION_NAMES,
  type Preset,
  type ResolvedOptions,
  type UpscalerOptions,
} from './options.ts'
export {
  type ExaminedFile,
  type ExaminedImage,
  type PlannedImage,
  type PlanState,
  priceText,
} from './plan.ts'
export {
  createProgress,
  type Progress,
  type ProgressOutcome,
  type ProgressOutlet,
} from './progress.ts'
export type { Provenance } from './provenance.ts'
export type { RemoteDriver } from './remote/driver.ts'
export { openRemoteStore, type RemoteStore } from './remote/remote-store.ts'
export type { RemoteCache, RemoteCacheOptions, RemoteSettings } from './remote/settings.ts'
export type { Origin, Report, ReportImage } from './report.ts'
export { type SafeTextOptions, safeText } from './safe-text.ts'
export {
  type AnswerContext,
  createUpscaler,
  type HostEvents,
  type KeptAnswer,
  type UpscaleContext,
  type UpscaledImage,
  type Upscaler,
} from './upscaler.ts'
