import { hash } from 'node:crypto'
import type { Engine, EngineParams } from '../engines/engine.ts'
import type { Format } from '../source/format.ts'

/** What money depends on. */
export type AnswerKey = string & { readonly kind: 'answer' }
/** A request on the bytes of a source; leads to a {@link AnswerKey} without decoding. */
export type AliasKey = string & { readonly kind: 'alias' }
/** What the work on a file depends on. */
export type FlightKey = string & { readonly kind: 'flight' }
/** What the work on a file depends on, but for the file. */
export type RequestKey = string & { readonly kind: 'request' }
/** What the shipped file depends on. */
export type OutputKey = string & { readonly kind: 'output' }

/**
 * Bumped when the preparation of pixels changes what an engine sees; part of every key that money depends on, so
 * only in a major version.
 */
const NORMALISATION = 1

/** Bumped when the encoders or their settings change the bytes of a finished file. */
const ENCODING = 5

export interface EngineCall {
  readonly engine: Pick<Engine, 'id' | 'model' | 'revision'>
  /** The factor at which the engine runs, which may be above the one asked for. */
  readonly scale: number
  readonly params: EngineParams
}

export interface OutputFile {
  readonly width: number
  readonly height: number
  readonly format: Format
  readonly quality: number | undefined
  readonly lossless: boolean
  readonly fileName: string
}

/** The key of an answer: what the engine sees and what it is told. */
export function answerKeyOf(pixelDigest: string, call: EngineCall): AnswerKey {
  return digest('pay/1', {
    pixels: pixelDigest,
    normalisation: NORMALISATION,
    ...callParts(call),
  }) as AnswerKey
}

/** The key of a request on a file's bytes, so that a hit needs no decoder. */
export function aliasKey(sourceDigest: string, call: EngineCall): AliasKey {
  return digest('src/1', {
    source: sourceDigest,
    normalisation: NORMALISATION,
    ...callParts(call),
  }) as AliasKey
}

/**
 * Names work that gives the same file, so that it is done once at a time (single flight), and found again by the hit
 * journal.
 */
export function flightKey(
  sourceDigest: string,
  call: EngineCall,
  place: { readonly scratchDir: string } & Pick<OutputFile, 'format' | 'quality' | 'fileName'> & {
      /** How much larger the file is than its source. */
      readonly factor: number
    },
): FlightKey {
  return digest('flight/1', {
    source: sourceDigest,
    normalisation: NORMALISATION,
    encoding: ENCODING,
    ...callParts(call),
    ...place,
  }) as FlightKey
}

/** Names a request for as long as the same files may be read. @param limits names which */
export function requestKey(
  call: EngineCall,
  file: Pick<OutputFile, 'quality'> & { readonly format: Format | undefined; readonly factor: number },
  limits: string,
): RequestKey {
  return digest('req/1', {
    normalisation: NORMALISATION,
    encoding: ENCODING,
    ...callParts(call),
    ...file,
    limits,
  }) as RequestKey
}

/** The key of a finished file made from an answer. */
export function outputKey(answerKey: AnswerKey, answerDigest: string, file: OutputFile): OutputKey {
  return digest('out/1', { pay: answerKey, answer: answerDigest, encoding: ENCODING, ...file }) as OutputKey
}

/** The key of a file that is shipped as it is. */
export function originalKey(sourceDigest: string, fileName: string): OutputKey {
  return digest('orig/1', { source: sourceDigest, fileName }) as OutputKey
}

function callParts({ engine, scale, params }: EngineCall): Record<string, unknown> {
  const prefixed = Object.fromEntries(Object.entries(params).map(([name, value]) => [`param.${name}`, value]))
  return { engine: engine.id, model: engine.model, revision: engine.revision, scale, ...prefixed }
}

/**
 * SHA-256 over labelled parts. Each label and value is preceded by its length, so no two lists of parts can run
 * together into the same bytes, and labels are sorted, so the order of writing doesn't count.
 */
function digest(label: string, parts: Record<string, unknown>): string {
  let text = framed(label)
  for (const name of Object.keys(parts).sort()) {
    const value = parts[name]
    if (value !== undefined) text += framed(name) + framed(`${typeof value}:${String(value)}`)
  }
  return hash('sha256', text, 'hex')
}

function framed(text: string): string {
  return `${Buffer.byteLength(text)}:${text}`
}
