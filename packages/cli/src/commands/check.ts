import { readdir, readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { UpscaleError } from 'upscale-core'
import { EXIT } from '../exit-codes.ts'
import { shownPath } from '../files/operands.ts'
import { withExamples } from '../flags.ts'
import { createPrinter, errorFacts, type PrintFlags } from '../print.ts'
import { count } from '../table.ts'

interface CheckFlags extends PrintFlags {
  readonly base?: string
}

/** `upscale check`: the last look of the plugins, at a folder that anything built. */
export function addCheck(program: Command): void {
  const command = program
    .command('check')
    .description(
      'Search built folders for tagged references that nothing handled, which would show small pictures. Nothing is changed.',
    )
    .argument('<folders...>', 'what a build wrote: dist, out, .next')
    .option('--base <address>', 'where the site is served, if its pages name that: https://example.com/sub/')
    .option('--json', 'print one JSON document on stdout')
    .option('--quiet', 'print results and errors only')
  withExamples(command, [
    'upscale check dist',
    'next build && upscale check .next',
    'upscale check out --json',
  ])
  command.action(async (folders: string[], flags: CheckFlags) => {
    process.exitCode = await check(folders, flags)
  })
}

async function check(folders: readonly string[], flags: CheckFlags): Promise<number> {
  // The parsers are loaded only where they are asked for.
  const { findOutputReferences, isBesideOutput, isOutputText } = await import(
    'upscale-toolkit/references/output'
  )
  const { countLines } = await import('upscale-toolkit/references')
  const print = createPrinter(flags)
  const rules = { ownPrefixes: flags.base === undefined ? [] : [flags.base], isKnown: () => false }
  const errors: UpscaleError[] = []
  let seen = 0
  for (const folder of folders.map(one => resolve(one))) {
    for (const name of await namesIn(folder)) {
      if (!isOutputText(name) || isBesideOutput(`${basename(folder)}/${name}`)) continue
      const file = join(folder, name)
      const text = await readFile(file, 'utf8')
      seen++
      const lineOf = countLines(text)
      for (const { reference, start } of await findOutputReferences(name, text, rules)) {
        errors.push(leftover(reference, { file: shownPath(file, process.cwd()), line: lineOf(start) }))
      }
    }
  }
  for (const error of errors) print.error(error)
  print.result(`${count(seen, 'file')} searched, ${count(errors.length, 'tagged reference')} left`)
  print.document({ files: seen, errors: errors.map(errorFacts) })
  return errors.length === 0 ? EXIT.ok : EXIT.failed
}

/** @throws UpscaleError SOURCE_NOT_FOUND for what is no folder */
async function namesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    return entries
      .filter(entry => entry.isFile())
      .map(entry =>
        join(entry.parentPath, entry.name)
          .slice(folder.length + 1)
          .replaceAll('\\', '/'),
      )
      .sort()
  } catch (cause) {
    throw new UpscaleError('SOURCE_NOT_FOUND', 'there is no such folder', {
      hint: 'name the folder that the build writes, after the build',
      file: shownPath(folder, process.cwd()),
      cause,
    })
  }
}

function leftover(
  reference: string,
  importer: { readonly file: string; readonly line: number },
): UpscaleError {
  return new UpscaleError('LEFTOVER_REFERENCE', 'a tagged reference is still in the output', {
    hint: 'import the image in the source that has it; in finished HTML, "upscale html" on the folder handles it',
    reference,
    importer,
  })
}
