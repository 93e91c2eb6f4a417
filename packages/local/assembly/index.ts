export { convolve } from './convolve'
export { begin, step } from './network'
