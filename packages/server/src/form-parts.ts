/** A form that was received whole. */
export interface Form {
  /** Text fields by name; each came once. */
  readonly fields: ReadonlyMap<string, string>
  /** The image, on disk. */
  readonly file: string
}

export interface FormLimits {
  /** The folder for the file; it must not exist yet. */
  readonly folder: string
  /** The most bytes of the whole body. */
  readonly maxBytes: number
  /** How long the body may rest, in milliseconds. */
  readonly idleMs: number
}

/** The upload's name on disk, and with it the stem of results in the cache: equal for all, so that these are shared. */
export const FILE_NAME = 'image'

/** Longest text of a field, in bytes: a prompt of 1000 characters has 4000 at most. */
export const MAX_FIELD_BYTES: number = 16 * 1024

export const MASK_REFUSAL = 'mask is not available: an upscale always takes the whole picture.'
