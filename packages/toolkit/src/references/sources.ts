export {
  type Gathered,
  type GatherOptions,
  gatherPictures,
  type Place,
  type RuledPictures,
  type WantedPicture,
  type WrongReference,
} from './gather.ts'
export { findReferences, isSource, resolveReference, type SourceReference } from './source-text.ts'
export { isSourceIn, sourcesIn } from './walk.ts'
