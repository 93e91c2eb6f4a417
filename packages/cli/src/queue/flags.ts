import type { Command } from 'commander'
import type { EngineFlags } from '../flags.ts'

/** Flags of commands that have to do with a queue. */
export interface QueueFlags extends EngineFlags {
  readonly queue?: string
  readonly name?: string
}

export function withQueueFlags(command: Command): Command {
  return command
    .option('--queue <url>', 'the Redis server of the queue (default: UPSCALE_QUEUE)')
    .option('--name <name>', 'of the queue, where several share a server (default: upscale)')
}
