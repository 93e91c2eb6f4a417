export { checkRules, type UpscaleRule } from './rule.ts'
export { findRuledImages, type RuledImage, type RuledPage, tagRuledImages } from './ruled-images.ts'
