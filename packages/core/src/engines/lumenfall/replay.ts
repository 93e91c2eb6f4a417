import { oneOf, type Rule, text, textList } from '../../validate.ts'

// Record & Replay, docs.lumenfall.ai/replay and /replay/modes: the gateway answers from a recording, or with a
// placeholder, and nobody works. It is chosen by headers, request by request.

/** All but `mock` and `off` use recordings; what follows `replay-or-` is done where there is none. */
export const REPLAY_MODES = [
  'off',
  'record',
  'replay-or-mock',
  'replay-or-error',
  'replay-or-live',
  'replay-or-record',
  'mock',
] as const
export type ReplayMode = (typeof REPLAY_MODES)[number]

export const REPLAY_MATCHES = ['standard', 'strict', 'specific', 'pinned'] as const
export type ReplayMatch = (typeof REPLAY_MATCHES)[number]

export interface ReplayOptions {
  /**
   * Answers from Lumenfall's recordings, for trying a project out and for CI. `mock`, `replay-or-mock` and
   * `replay-or-error` never cost anything. Placeholder pictures are refused by the checks that every answer has to
   * pass. @default none is sent, and the key's own setting decides
   */
  readonly replay?: ReplayMode
  /**
   * Which recording fits: `standard` compares the parameters without the prompt, `strict` the whole body, `specific`
   * the fields in `replayFields`, `pinned` takes `replayRecording`. @default the service's own, standard
   */
  readonly replayMatch?: ReplayMatch
  /** Names of fields, with `replayMatch: 'specific'`. */
  readonly replayFields?: readonly string[]
  /** The id of a recording, `rec_…`, with `replayMatch: 'pinned'`. */
  readonly replayRecording?: string
}

/** Record & Replay as one call sends it. */
export interface Replay {
  readonly mode: ReplayMode
  readonly match: ReplayMatch | undefined
  readonly fields: readonly string[] | undefined
  readonly recording: string | undefined
}

const recordingId: Rule<string> = {
  expected: 'the id of a recording, "rec_…"',
  accepts: (value): value is string => text(200).accepts(value) && /^rec_[\w-]+$/.test(value),
}

const fieldNames: Rule<readonly string[]> = {
  expected: 'a list of field names',
  accepts: (value): value is readonly string[] =>
    textList.accepts(value) && value.length > 0 && value.every(name => /^\w{1,64}$/.test(name)),
}

export const REPLAY_RULES: Readonly<Record<keyof ReplayOptions, Rule<unknown>>> = {
  replay: oneOf(REPLAY_MODES),
  replayMatch: oneOf(REPLAY_MATCHES),
  replayFields: fieldNames,
  replayRecording: recordingId,
}

/** What is wrong with options that are each right. */
export function replayProblems(options: ReplayOptions): string[] {
  const { replay, replayMatch, replayFields, replayRecording } = options
  const problems: string[] = []
  if (replayMatch !== undefined && replay === undefined) problems.push('replayMatch without replay')
  if ((replayFields !== undefined) !== (replayMatch === 'specific')) {
    problems.push('replayMatch "specific" and replayFields belong together')
  }
  if ((replayRecording !== undefined) !== (replayMatch === 'pinned')) {
    problems.push('replayMatch "pinned" and replayRecording belong together')
  }
  return problems
}

export function resolveReplay(options: ReplayOptions): Replay | undefined {
  if (options.replay === undefined) return undefined
  const { replay, replayMatch, replayFields, replayRecording } = options
  return { mode: replay, match: replayMatch, fields: replayFields, recording: replayRecording }
}

/** True where no provider is asked, whether or not there is a recording. */
export function isFreeReplay(replay: Replay | undefined): boolean {
  return replay !== undefined && ['mock', 'replay-or-mock', 'replay-or-error'].includes(replay.mode)
}

export function replayHeaders(replay: Replay | undefined): Readonly<Record<string, string>> {
  if (replay === undefined) return {}
  const { mode, match, fields, recording } = replay
  return {
    'x-lumenfall-replay': mode,
    ...(match === undefined ? {} : { 'x-lumenfall-replay-match': match }),
    // How several names are written is documented nowhere; a comma is what lists in headers have (RFC 9110, 5.6.1).
    ...(fields === undefined ? {} : { 'x-lumenfall-replay-fields': fields.join(', ') }),
    ...(recording === undefined ? {} : { 'x-lumenfall-replay-recording': recording }),
  }
}
