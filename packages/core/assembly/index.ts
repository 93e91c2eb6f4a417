export { filter } from './filter'
export { across, down } from './resample'
