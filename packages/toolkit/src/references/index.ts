export {
  decodedPath,
  isElsewhere,
  isPicturePath,
  isRasterPicture,
  isTaggedPicture,
  mayHoldTags,
  PICTURE_EXTENSIONS,
  pathOf,
  TAG_IN_TEXT,
} from './address.ts'
export { countLines, type LineOf } from './lines.ts'
export {
  findSourcePlace,
  type SourcePlace,
  type SourceText,
  sourceTexts,
  withoutComments,
} from './source-place.ts'
export {
  type Candidate,
  candidateAddress,
  findCandidates,
  printSrcset,
  type SrcsetCandidate,
} from './srcset.ts'
export { findStyleTexts, type StyleText } from './style-text.ts'
export { type TextEdit, withEdits } from './text-edits.ts'
