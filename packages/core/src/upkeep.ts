/**
 * What the command, the gateway and the inspector use beyond `internal`: the books, the archive, a service's catalogue. A
 * build loads none of it. The same holds for its future: no promise that any of it stays.
 */
export { type AccountOrder, ordersOf } from './billing/account.ts'
export { type Provenance, provenanceOf } from './billing/provenance.ts'
export {
  type Archive,
  type ArchivedImage,
  type EntryFacts,
  openArchive,
  type RootName,
} from './cache/archive.ts'
export { readBase64 } from './engines/http/base64.ts'
export { createJsonReader, headOf, type JsonText, type LargeJson } from './engines/http/large-json.ts'
export { listModels } from './engines/lumenfall/catalogue.ts'
export { evictionOf, isFull } from './remote/drivers/redis-memory.ts'
