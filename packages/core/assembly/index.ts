export { adler, deflate } from './deflate'
export { even } from './even'
export { filter } from './filter'
export { across, down } from './resample'
