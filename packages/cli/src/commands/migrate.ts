import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { createTwoFilesPatch } from 'diff'
import { EXIT } from '../exit-codes.ts'
import { readOperands, shownPath } from '../files/operands.ts'
import { placeText } from '../files/place.ts'
import { walk } from '../files/walk.ts'
import { type CommonFlags, withCommonFlags, withExamples } from '../flags.ts'
import type { Finding, SourceText } from '../migrate/finding.ts'
import { inSession, type Session } from '../session.ts'
import { count } from '../table.ts'
import { includeOf } from './gather.ts'

interface MigrateFlags extends CommonFlags {
  readonly write?: boolean
}

/** Sources beyond it, in bytes, are bundles or data. */
const LARGEST_SOURCE = 4 * 1024 * 1024

/** `upscale migrate`: from other ways of enlarging pictures to tagged references. */
export function addMigrate(program: Command): void {
  const command = program
    .command('migrate')
    .description(
      'Find pictures that sources enlarge in other ways (vite-imagetools, @2x files, <Image>, image services), and tag them instead. Shows the changes; nothing is written without --write.',
    )
    .argument('[paths...]', 'folders, patterns or files (default: the working folder)')
    .option('--write', 'write the changes into the sources')
  withCommonFlags(command)
  withExamples(command, [
    'upscale migrate',
    'upscale migrate src/ > changes.patch',
    'upscale migrate --write',
  ])
  command.action(async (paths: string[], flags: MigrateFlags) => {
    const where = paths.length === 0 ? ['.'] : paths
    process.exitCode = await inSession(flags, includeOf(where), session => migrate(where, flags, session))
  })
}

async function migrate(
  paths: readonly string[],
  { write = false }: MigrateFlags,
  { upscaler, print, stopping }: Session,
): Promise<number> {
  // The rules are loaded only here: they open pictures.
  const [{ applied, findingsIn }, { openProject }, { isSource }] = await Promise.all([
    import('../migrate/index.ts'),
    import('../migrate/project.ts'),
    import('upscale-toolkit/references/sources'),
  ])
  const cwd = process.cwd()
  const { root, cacheDir } = upscaler.options
  const project = await openProject(root)
  const skip = new Set([cacheDir, ...['dist', 'build', 'out', 'coverage'].map(name => resolve(root, name))])
  const documents: object[] = []
  const totals = { changed: 0, left: 0 }
  for await (const { file } of walk(readOperands(paths, cwd), { skip, wants: isSource })) {
    if (stopping.aborted) break
    if ((await stat(file)).size > LARGEST_SOURCE) continue
    const source: SourceText = { file, text: await readFile(file, 'utf8') }
    const findings = await findingsIn(source, project)
    const name = shownPath(file, cwd)
    const text = applied(source, findings)
    if (text !== source.text) print.result(createTwoFilesPatch(name, name, source.text, text).trimEnd())
    for (const finding of findings) {
      const isChange = finding.replacement !== undefined
      totals[isChange ? 'changed' : 'left'] += 1
      print.note(`${name}:${lineOf(source, finding)}: ${isChange ? '' : 'left as it is: '}${finding.why}`)
      documents.push(documentOf(name, source, finding))
    }
    if (write && text !== source.text) await placeText(Buffer.from(text), file)
  }
  const { changed, left } = totals
  const done = write ? 'changed' : 'would change'
  print.note(
    `${done} ${count(changed, 'reference')}, left ${left}${write || changed === 0 ? '' : '; --write does it'}`,
  )
  print.document({ written: write, findings: documents })
  return EXIT.ok
}

function lineOf({ text }: SourceText, { start }: Finding): number {
  return text.slice(0, start).split('\n').length
}

function documentOf(file: string, source: SourceText, { start, end, replacement, why }: Finding): object {
  return {
    file,
    line: lineOf(source, { start, end, why }),
    from: source.text.slice(start, end),
    to: replacement,
    why,
  }
}
