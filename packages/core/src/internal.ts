/**
 * What the sibling packages use beyond the public interface. No promise that any of it stays: it changes with any
 * version, and the packages are released together.
 */
export { type AccountOrder, ordersOf } from './billing/account.ts'
export { type LedgerEntry, readLedger } from './billing/ledger.ts'
export { type Provenance, provenanceOf } from './billing/provenance.ts'
export type { SharedIntent } from './billing/shared-intent.ts'
export {
  type Archive,
  type ArchivedImage,
  type EntryFacts,
  openArchive,
  type RootName,
} from './cache/archive.ts'
export { hasBytes } from './cache/compare.ts'
export { discard, errnoOf, freeBytes, renamePatiently, tryTo } from './cache/disk.ts'
export { processFolder, sweepProcessFolders } from './cache/process-folder.ts'
export { whileThere } from './cache/while-there.ts'
export { priceOf } from './engines/call-price.ts'
export { dollars } from './engines/dollars.ts'
export type { OrderSize } from './engines/engine.ts'
export { readBase64 } from './engines/http/base64.ts'
export { sleep } from './engines/http/deadline.ts'
export { createJsonReader, headOf, type JsonText, type LargeJson } from './engines/http/large-json.ts'
export { listModels } from './engines/lumenfall/catalogue.ts'
export { createRounds, nextRound } from './event-loop.ts'
export { loadSharp } from './image/load-sharp.ts'
export { suggestFormat } from './image/output.ts'
export { inSlices, sliceTurn } from './image/slices.ts'
export { priceText } from './pipeline/plan.ts'
export { evictionOf, isFull } from './remote/drivers/redis-memory.ts'
export { addressOf as answerAddress } from './remote/remote-cache.ts'
export { openRemoteStore, type RemoteStore } from './remote/store.ts'
export { misspelledKeys, OWN_KEYS, TAGGED } from './request/directive.ts'
export { loadEnv } from './request/env.ts'
export { dependenciesOf } from './request/host-cache-folder.ts'
export { OPTION_NAMES } from './request/options.ts'
export { escapeLines, escapePatch, escapeText, safeText } from './safe-text.ts'
export { endsAs, extensionOf, isFormat, isRasterName, RASTER_EXTENSIONS } from './source/format.ts'
export { isInside } from './source/inside.ts'
export { nearestFile } from './source/nearest-file.ts'
export { digestOf } from './source/pieces.ts'
export { refuseAnimation, sniffFormat } from './source/sniff.ts'
export { stampOf } from './source/stamp.ts'
export { show, unknownName } from './validate.ts'
