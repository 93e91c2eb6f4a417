export {
  isElsewhere,
  isPicturePath,
  isRasterPicture,
  isTaggedPicture,
  PICTURE_EXTENSIONS,
  pathOf,
} from './address.ts'
export { countLines, type LineOf } from './lines.ts'
export { findSourcePlace, type SourcePlace } from './source-place.ts'
export {
  type Candidate,
  candidateAddress,
  findCandidates,
  printSrcset,
  type SrcsetCandidate,
} from './srcset.ts'
export { findStyleTexts, type StyleText } from './style-text.ts'
