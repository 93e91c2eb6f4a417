export { across, down } from './resample'
