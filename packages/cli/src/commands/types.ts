import { relative, resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { EXIT } from '../exit-codes.ts'
import { type CommonFlags, withCommonFlags, withExamples } from '../flags.ts'
import { inSession, type Session } from '../session.ts'

interface TypesFlags extends CommonFlags {
  readonly out?: string
}

/** `upscale types`: what TypeScript should know of a project's tagged imports, before anything is built. */
export function addTypes(program: Command): void {
  const command = program
    .command('types')
    .description('Write TypeScript declarations of the tagged imports that the project has.')
  withCommonFlags(command).option(
    '--out <file>',
    'the file to write; upscale-env.d.ts, where tsconfig.json looks, unless given',
    readDeclarationFile,
  )
  withExamples(command, ['upscale types', 'upscale types --out src/images.d.ts', 'upscale types && tsc -b'])
  command.action(async (flags: TypesFlags) => {
    process.exitCode = await inSession(flags, [], session => writeTypes(flags, session))
  })
}

async function writeTypes({ out }: TypesFlags, { upscaler, print }: Session): Promise<number> {
  // The parsers are loaded only where they are asked for.
  const { createDeclarations, declarationFile } = await import('upscale-toolkit/declarations')
  const file = out === undefined ? declarationFile(upscaler.options.root) : resolve(out)
  await createDeclarations(file, upscaler).writeAll()
  print.result(`types in ${relative(process.cwd(), file)}`)
  print.document({ file })
  return EXIT.ok
}

function readDeclarationFile(value: string): string {
  if (/\.d\.[cm]?ts$/.test(value)) return value
  throw new InvalidArgumentError('Expected a name that ends in .d.ts.')
}
