import { show } from 'upscale-core/internal'
import { invalidRequest } from './api-error.ts'

/** What a form field may hold. The check, the sentence in a refusal and the JSON Schema all come from it. */
export type Kind =
  | { readonly type: 'integer'; readonly min: number; readonly max: number }
  | { readonly type: 'factor'; readonly above: number; readonly max: number }
  | { readonly type: 'boolean' }
  | { readonly type: 'text'; readonly max: number }
  | { readonly type: 'choice'; readonly values: readonly string[] }

export interface Parameter<K extends Kind = Kind> {
  readonly kind: K
  readonly description: string
  readonly default?: string | number | boolean
}

/** What a field of a kind is read as. */
export type ValueOf<K extends Kind> = K extends { type: 'integer' | 'factor' }
  ? number
  : K extends { type: 'boolean' }
    ? boolean
    : K extends { type: 'choice'; values: readonly (infer V)[] }
      ? V
      : string

/** Fields that this server acts on, whatever the engine. `model` and `image` are handled where they are read. */
export const SERVER_PARAMETERS = {
  scale_factor: {
    kind: { type: 'factor', above: 1, max: 8 },
    description: 'Width and height of the result over those of the image.',
  },
  response_format: {
    kind: { type: 'choice', values: ['url', 'b64_json'] },
    description: 'The picture as an address that expires, or in the answer itself.',
    default: 'url',
  },
  output_format: {
    kind: { type: 'choice', values: ['png', 'jpeg', 'gif', 'webp', 'avif'] },
    description: 'File type of the result; left out, that of the image.',
  },
  output_compression: {
    kind: { type: 'integer', min: 0, max: 100 },
    description: 'Encoder quality, 100 is the best; needs output_format jpeg, webp or avif. 0 counts as 1.',
  },
  n: {
    kind: { type: 'integer', min: 1, max: 10 },
    description: 'How often the picture is listed in the answer. It is made, and paid for, once.',
    default: 1,
  },
  sync_mode: {
    kind: { type: 'boolean' },
    description: 'Without effect: an answer always waits for the picture.',
  },
  user: { kind: { type: 'text', max: 256 }, description: 'Your name for the end user; goes into the log.' },
} as const satisfies Readonly<Record<string, Parameter>>

/**
 * Parameters of the model page. A model whose engine has them hands them on, and the engine's own rules decide. For
 * another model they are checked against these ranges and otherwise unused, so that a client written for
 * `ideogram-upscale` also runs offline; the answer lists them.
 */
export const ENGINE_PARAMETERS = {
  prompt: { kind: { type: 'text', max: 1000 }, description: 'Describes the picture and steers the result.' },
  detail: { kind: { type: 'integer', min: 1, max: 100 }, description: 'How much detail to add.' },
  resemblance: {
    kind: { type: 'integer', min: 1, max: 100 },
    description: 'How close to stay to the image.',
  },
  expand_prompt: { kind: { type: 'boolean' }, description: 'Lets the model rewrite the prompt; needs one.' },
  seed: {
    kind: { type: 'integer', min: 0, max: 2_147_483_647 },
    description: 'Start of the random numbers.',
  },
} as const satisfies Readonly<Record<string, Parameter>>

export type EngineParameter = keyof typeof ENGINE_PARAMETERS

/** Fields of OpenAI's image edits that mean nothing for an upscale. Clients and examples send them all the same. */
export const UNUSED_FIELDS: readonly string[] = [
  'size',
  'quality',
  'style',
  'background',
  'moderation',
  'input_fidelity',
  'partial_images',
]

/** Ends the sentence "expected …". */
export function expectation(kind: Kind): string {
  switch (kind.type) {
    case 'integer':
      return `a whole number from ${kind.min} to ${kind.max}`
    case 'factor':
      return `a number above ${kind.above}, ${kind.max} at most`
    case 'boolean':
      return 'true or false'
    case 'text':
      return `text of 1 to ${kind.max} characters`
    case 'choice':
      return `one of ${kind.values.join(', ')}`
  }
}

/**
 * The value of a form field.
 * @throws ApiError INVALID_REQUEST
 */
export function readParameter<K extends Kind>(
  name: string,
  { kind }: Parameter<K>,
  written: string,
): ValueOf<K> {
  const value = read(kind, written)
  // The types can't follow the switch inside.
  if (value !== undefined) return value as ValueOf<K>
  throw invalidRequest(`${name} is ${show(written)}, expected ${expectation(kind)}.`)
}

function read(kind: Kind, written: string): string | number | boolean | undefined {
  switch (kind.type) {
    case 'integer': {
      const number = readNumber(written)
      return Number.isInteger(number) && number >= kind.min && number <= kind.max ? number : undefined
    }
    case 'factor': {
      const number = readNumber(written)
      return number > kind.above && number <= kind.max ? number : undefined
    }
    case 'boolean':
      return readFlag(written)
    case 'text':
      return written.length > 0 && written.length <= kind.max ? written : undefined
    case 'choice':
      return kind.values.includes(written) ? written : undefined
  }
}

/** Plain decimals only: no exponent, no hexadecimal, no blank that would count as 0. NaN for anything else. */
function readNumber(written: string): number {
  return /^-?\d{1,15}(?:\.\d{1,15})?$/.test(written) ? Number(written) : Number.NaN
}

/** `True` is what Python makes of its own value. */
function readFlag(written: string): boolean | undefined {
  const lower = written.toLowerCase()
  return lower === 'true' ? true : lower === 'false' ? false : undefined
}
