import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import type { Command } from 'commander'
import { UpscaleError } from 'upscale-core'
import { isRasterName, unknownName } from 'upscale-core/internal'
import { forEach } from '../files/each.ts'
import { folderOf, type Operand, readOperands, shownPath } from '../files/operands.ts'
import { sweepLeftovers } from '../files/place.ts'
import { readSize } from '../files/size.ts'
import { createTargets } from '../files/target.ts'
import { isResultBeside, type WalkRules, walk } from '../files/walk.ts'
import { numberAbove, requestOf, withEncodingFlags, withEngineFlags, withExamples } from '../flags.ts'
import { createProgress } from '../progress.ts'
import { inSession, type Session } from '../session.ts'
import { runPipe } from './pipe.ts'
import type { RunFlags } from './run-flags.ts'
import { createPictureWork } from './run-picture.ts'
import { createTally } from './run-tally.ts'

/** `upscale <paths…>`: pictures in, larger pictures out. */
export function addRun(program: Command): void {
  const command = program
    .command('run', { isDefault: true })
    .usage('[options] <paths…>')
    .description(
      'Upscale pictures: folders, patterns, single files, or - for stdin to stdout. The word "run" may be left out.',
    )
    .argument('<paths...>', 'folders, patterns, files, or -')
    .option('-o, --out <path>', 'folder for the results, mirrored; for one picture also a file')
    .option('--suffix <text>', 'added to the name: @2x makes hero@2x.png; without --out beside the source')
    .option(
      '--to <size>',
      'instead of a factor the size to reach: 1600x, x900, or to fit into 1600x900',
      readSize,
    )
    .option('--min-gain <factor>', 'with --to, leave out pictures that would grow by less', numberAbove(0, 8))
    .option('--dry-run', 'tell what would be done and what it would cost')
  withEncodingFlags(withEngineFlags(command))
  withExamples(command, [
    'upscale images/ --out dist/images --factor 2',
    'upscale "photos/**/*.jpg" --suffix @2x --format webp --quality 80',
    'upscale hero.png --to 1600x --out hero-large.png',
    'upscale - --factor 2 < small.png > large.png',
    'upscale images/ --out dist/images --engine lumenfall --dry-run',
  ])
  command.action(async (paths: string[], flags: RunFlags) => {
    process.exitCode = await run(
      paths,
      flags,
      program.commands.map(other => other.name()),
    )
  })
}

async function run(paths: readonly string[], flags: RunFlags, commands: readonly string[]): Promise<number> {
  checkTogether(paths, flags)
  refuseTypos(paths, flags, commands)
  if (paths.includes('-')) return runPipe(flags)
  const cwd = process.cwd()
  const operands = readOperands(paths, cwd)
  const include = operands.map(operand => (operand.kind === 'file' ? operand.path : folderOf(operand)))
  return inSession(flags, include, session => runPictures(operands, flags, session, cwd))
}

async function runPictures(
  operands: readonly Operand[],
  flags: RunFlags,
  session: Session,
  cwd: string,
): Promise<number> {
  const { upscaler, print, stopping } = session
  const targets = createTargets(operands, flags, cwd)
  // Beside their sources, results of an earlier run are found again; elsewhere such a name is a source's own.
  const { folder } = targets
  const isInPlace = folder === undefined || operands.some(operand => folderOf(operand) === folder)
  const suffix = isInPlace ? (flags.suffix ?? '') : ''
  const rules: WalkRules = {
    skip: new Set([folder, upscaler.options.cacheDir].filter(folder => folder !== undefined)),
    wants: name => isRasterName(name) && !isResultBeside(name, suffix),
  }
  if (folder !== undefined && flags.dryRun !== true) await sweepLeftovers(folder)
  const progress = createProgress(print, upscaler)
  const tally = createTally(print, cwd)
  const request = requestOf(flags)
  const workOn = createPictureWork({ request, flags, targets, upscaler })
  session.foresee(async function* () {
    // With --to each picture has a factor of its own, but a call costs the same whatever the factor.
    for await (const { file } of walk(operands, rules)) yield { file, request }
  })
  if (print.live) void countAll(operands, rules).then(total => (progress.total = total))
  // More than the engine takes at a time, so that it never waits for a file to be read or written.
  const atATime = upscaler.options.concurrency + 2
  await forEach(walk(operands, rules), atATime, stopping, async found => {
    const name = shownPath(found.file, cwd)
    const end = progress.begin(name)
    const row = await workOn(found)
    tally.add(row)
    const isThere = row.origin === 'cache' || row.state === 'unchanged'
    end(isThere ? 'cached' : 'worked', tally.lineOf(row))
  })
  if (tally.seen === 0 && !stopping.aborted) throw nothingFound(operands, cwd)
  return tally.finish(upscaler.report(), stopping.aborted)
}

/** Looks ahead for the progress line; undefined where that fails, since the run itself will say why. */
async function countAll(operands: readonly Operand[], rules: WalkRules): Promise<number | undefined> {
  let total = 0
  try {
    for await (const _ of walk(operands, rules)) total++
    return total
  } catch {
    return undefined
  }
}

/** A single word that names nothing on the disk is more likely a mistyped command than a folder. */
function refuseTypos(paths: readonly string[], { out, suffix }: RunFlags, commands: readonly string[]): void {
  const [word = ''] = paths
  const isPlain = paths.length === 1 && out === undefined && suffix === undefined
  if (!isPlain || !/^[a-z]+$/.test(word) || existsSync(word)) return
  throw new UpscaleError('BAD_OPTION', unknownName('command', word, commands), {
    hint: 'there is no file or folder of that name either; upscale --help lists the commands',
  })
}

function checkTogether(paths: readonly string[], flags: RunFlags): void {
  if (flags.to !== undefined && flags.factor !== undefined) {
    throw new UpscaleError('BAD_OPTION', '--to and --factor are both given', { hint: 'keep one of them' })
  }
  if (flags.minGain !== undefined && flags.to === undefined) {
    throw new UpscaleError(
      'BAD_OPTION',
      '--min-gain without --to means nothing: every picture grows by the factor',
      {
        hint: 'say the size to reach with --to, or remove --min-gain',
      },
    )
  }
  if (paths.includes('-') && (paths.length > 1 || flags.json === true || flags.dryRun === true)) {
    throw new UpscaleError('BAD_OPTION', '- reads one picture and writes one, so it stands alone', {
      hint: 'remove the other paths, --json and --dry-run',
    })
  }
}

function nothingFound(operands: readonly Operand[], cwd: string): UpscaleError {
  const where = operands.map(operand =>
    operand.kind === 'glob' ? operand.pattern : shownPath(operand.path, cwd),
  )
  return new UpscaleError(
    'SOURCE_NOT_FOUND',
    `there are no pictures in ${where.join(', ') || basename(cwd)}`,
    {
      hint: 'name a folder with .png, .jpg, .webp, .avif or .gif files',
    },
  )
}
