import { type Command, InvalidArgumentError, Option } from 'commander'
import { type ErrorPolicy, FORMATS, type Format, type UpscaleRequest } from 'upscale-core'

/** Flags that every command has. */
export interface CommonFlags {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly config?: string
  readonly cacheDir?: string
}

/** Flags of commands that may call an engine. They win over the config file. */
export interface EngineFlags extends CommonFlags {
  readonly engine?: string
  readonly factor?: number
  readonly jobs?: number
  readonly budget?: number
  readonly frozen?: boolean
  readonly retry?: boolean
  readonly fallback?: ErrorPolicy
}

/** Flags about the file that is written. */
export interface EncodingFlags {
  readonly format?: Format
  readonly quality?: number
}

export function withCommonFlags(command: Command): Command {
  return command
    .option('--config <file>', 'config file (default: upscale.config.{ts,mts,js,mjs} in the working folder)')
    .option('--cache-dir <folder>', 'where paid answers are kept (default: .upscale)')
    .option('--json', 'print one JSON document on stdout')
    .option('--quiet', 'print results and errors only')
}

export function withEngineFlags(command: Command): Command {
  withCommonFlags(command)
    .option(
      '-f, --factor <number>',
      'how many times larger, above 1, 8 at most (default: 2)',
      numberAbove(1, 8),
    )
    .option(
      '-e, --engine <name>',
      'local, resize, lumenfall, fal, ideogram, or one of the config file (default: local)',
    )
    .option('-j, --jobs <number>', 'engine calls at a time, 1 to 64 (default: 4)', wholeNumber(1, 64))
    .option('--budget <dollars>', 'US dollars this run may spend on paid engines (default: 1)', numberFrom(0))
    .option('--frozen', 'call no paid engine; a miss is an error (default: where CI is set)')
    .option('--no-frozen', 'let paid engines run although CI is set')
    .option('--retry', 'ask again for pictures that were refused for good or ended in doubt')
  const policy = new Option('--fallback <policy>', 'what to ship when an engine fails (default: error)')
  return command.addOption(policy.choices(['error', 'original', 'resize']))
}

export function withEncodingFlags(command: Command): Command {
  const format = new Option('--format <format>', "format of the result (default: the source's)")
  return command
    .addOption(format.choices([...FORMATS, 'jpg']).argParser(readFormat))
    .option('-q, --quality <number>', '1 to 100, for lossy formats', wholeNumber(1, 100))
}

/** What the flags say about every picture; the options say the rest. */
export function requestOf(flags: EncodingFlags): Partial<UpscaleRequest> {
  return {
    ...(flags.format === undefined ? {} : { format: flags.format }),
    ...(flags.quality === undefined ? {} : { quality: flags.quality }),
  }
}

/** Adds examples below the help of a command. */
export function withExamples(command: Command, examples: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${examples.map(line => `  $ ${line}`).join('\n')}`)
}

type Parser<T> = (value: string) => T

export function wholeNumber(min: number, max: number): Parser<number> {
  return value => {
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN
    if (number >= min && number <= max) return number
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`)
  }
}

export function numberAbove(above: number, max: number): Parser<number> {
  return value => {
    const number = plainNumber(value)
    if (number > above && number <= max) return number
    throw new InvalidArgumentError(`Expected a number above ${above}, ${max} at most.`)
  }
}

export function numberFrom(min: number): Parser<number> {
  return value => {
    const number = plainNumber(value)
    if (number >= min) return number
    throw new InvalidArgumentError(`Expected a number, ${min} or more.`)
  }
}

function plainNumber(value: string): number {
  return /^\d{1,9}(?:\.\d{1,6})?$/.test(value) ? Number(value) : Number.NaN
}

function readFormat(value: string): Format {
  const format = value === 'jpg' ? 'jpeg' : value
  const known = FORMATS.find(one => one === format)
  if (known !== undefined) return known
  throw new InvalidArgumentError(`Allowed choices are ${FORMATS.join(', ')}.`)
}
