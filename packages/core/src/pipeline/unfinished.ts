/**
 * What a picture needs whose finished file is not in the cache. The upscaler loads it with the first such picture: a build
 * that has them all would read and compile it for nothing.
 */
export { withAnswer } from './answer.ts'
export { makeFinished } from './finish.ts'
export { offerUnshared, share } from './offer-unshared.ts'
export { originalAsFinished } from './original.ts'
export { examineImage, planImage } from './plan.ts'
