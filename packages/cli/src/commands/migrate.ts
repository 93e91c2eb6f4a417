import { isUtf8 } from 'node:buffer'
import { readFile, stat } from 'node:fs/promises'
import { isAbsolute, resolve } from 'node:path'
import type { Command } from 'commander'
import { createTwoFilesPatch } from 'diff'
import { EXIT } from '../exit-codes.ts'
import { readOperands, shownPath } from '../files/operands.ts'
import { placeText } from '../files/place.ts'
import { walk } from '../files/walk.ts'
import { type CommonFlags, withCommonFlags, withExamples } from '../flags.ts'
import type { SourceText } from '../migrate/finding.ts'
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
  const [{ applied, findingsIn }, { openProject }, { isSource, isSourceIn }, { countLines }] =
    await Promise.all([
      import('../migrate/index.ts'),
      import('../migrate/project.ts'),
      import('upscale-toolkit/references/sources'),
      import('upscale-toolkit/references'),
    ])
  const cwd = process.cwd()
  const { root, cacheDir } = upscaler.options
  const project = await openProject(root)
  const rules = { skip: new Set([cacheDir]), wants: isSource }
  const documents: object[] = []
  const totals = { changed: 0, left: 0 }
  for await (const { file, name: inOperand } of walk(readOperands(paths, cwd), rules)) {
    if (stopping.aborted) break
    if (!isSourceIn(cwd, resolve(cwd, inOperand)) || (await stat(file)).size > LARGEST_SOURCE) continue
    const bytes = await readFile(file)
    // Another encoding would not survive being written again.
    if (!isUtf8(bytes)) continue
    const source: SourceText = { file, text: bytes.toString('utf8') }
    const findings = await findingsIn(source, project)
    const lineOf = countLines(source.text)
    const name = shownPath(file, cwd)
    const text = applied(source, findings)
    if (text !== source.text && !print.patch(patchOf(name, source.text, text))) {
      print.note(`${name}: has characters that are shown by their numbers, so this patch does not apply`)
    }
    for (const finding of findings) {
      const line = lineOf(finding.start)
      const isChange = finding.replacement !== undefined
      totals[isChange ? 'changed' : 'left'] += 1
      print.note(`${name}:${line}: ${isChange ? '' : 'left as it is: '}${finding.why}`)
      documents.push({
        file: name,
        line,
        from: source.text.slice(finding.start, finding.end),
        to: finding.replacement,
        why: finding.why,
      })
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

/** As `git apply` reads it in the working folder. */
function patchOf(name: string, before: string, after: string): string {
  const [from, to] = isAbsolute(name) ? [name, name] : [`a/${name}`, `b/${name}`]
  return createTwoFilesPatch(from, to, before, after)
}
