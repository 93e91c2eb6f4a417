export { type LineOwner, type LiveLine, openLiveLine } from './live-line.ts'
export { outliveReaders } from './outlive-readers.ts'
export { createProgress, type Progress, type ProgressOutcome, type ProgressOutlet } from './progress.ts'
export { drainOnSignals, onStopSignals } from './stop-signals.ts'
