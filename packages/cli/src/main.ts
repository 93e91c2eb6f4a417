import { CommanderError } from 'commander'
import { type ErrorCode, isUpscaleError } from 'upscale-core'
import { outliveReaders } from 'upscale-toolkit/terminal'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { createPrinter, errorFacts } from './print.ts'
import { createProgram } from './program.ts'

/** Mistakes of whoever wrote the command line or the config file; what they stop was not begun. */
const USAGE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'BAD_OPTION',
  'BAD_DIRECTIVE',
  'UNKNOWN_ENGINE',
  'FACTOR_UNSUPPORTED',
  'KEY_MISSING',
  'KEY_EXPOSED',
  'SOURCE_NOT_FOUND',
])

function exitCodeOfError(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  return isUpscaleError(error) && USAGE.has(error.code) ? EXIT.usage : exitCodeOf([error])
}

async function main(argv: readonly string[]): Promise<void> {
  const program = createProgram()
  for (const command of [program, ...program.commands]) command.exitOverride()
  try {
    if (argv.length <= 2) program.help({ error: true })
    await program.parseAsync(argv)
  } catch (error) {
    process.exitCode = exitCodeOfError(error)
    // The parser has said by itself what it did not understand.
    if (error instanceof CommanderError) return
    const print = createPrinter({ json: argv.includes('--json') })
    print.error(error)
    print.document({ error: errorFacts(error) })
  }
}

outliveReaders()
await main(process.argv)
