export { begin, step } from './network'
