import type { Command } from 'commander'
import { isUpscaleError } from 'upscale-core'
import { dollars } from 'upscale-core/internal'
import { exitCodeOf } from '../exit-codes.ts'
import { eachOf, forEach } from '../files/each.ts'
import { shownPath } from '../files/operands.ts'
import { type EngineFlags, withEngineFlags, withExamples } from '../flags.ts'
import { errorFacts } from '../print.ts'
import { createProgress } from '../progress.ts'
import { inSession, type Session } from '../session.ts'
import { gather, includeOf } from './gather.ts'

/** `upscale warm`: fills the cache, so that a build finds everything. */
export function addWarm(program: Command): void {
  const command = program
    .command('warm')
    .description('Make every picture that the sources ask for, and keep it in the cache.')
    .argument('[paths...]', 'folders, patterns or files (default: the working folder)')
  withEngineFlags(command)
  withExamples(command, ['upscale warm', 'upscale warm src/ --budget 5', 'upscale warm --no-frozen --json'])
  command.action(async (paths: string[], flags: EngineFlags) => {
    const where = paths.length === 0 ? ['.'] : paths
    process.exitCode = await inSession(flags, includeOf(where), session => warm(where, session))
  })
}

async function warm(paths: readonly string[], session: Session): Promise<number> {
  const { upscaler, print, stopping } = session
  const { wanted, errors: found } = await gather(paths, session)
  const errors = [...found]
  for (const error of errors) print.error(error)
  const counts = { engine: 0, cache: 0, remote: 0, fallback: 0 }
  const progress = createProgress(print, upscaler)
  progress.total = wanted.length
  session.foresee(() => eachOf(wanted))
  await forEach(
    eachOf(wanted),
    upscaler.options.concurrency + 2,
    stopping,
    async ({ file, request, place }) => {
      const name = shownPath(file, process.cwd())
      const end = progress.begin(name)
      try {
        const { origin, width, height } = await upscaler.upscale(file, request)
        counts[origin]++
        const isNew = origin !== 'cache'
        end(isNew ? 'worked' : 'cached', isNew ? `${name}  ${width} × ${height}  ${origin}` : undefined)
      } catch (error) {
        if (!isUpscaleError(error)) throw error
        end('worked', undefined)
        if (error.code === 'ABORTED') return
        errors.push(error.at(place))
        print.error(error.at(place))
      }
    },
  )
  const { spentMicros, notices } = upscaler.report()
  const fetched = counts.remote === 0 ? '' : `, ${counts.remote} from the remote cache`
  const failed = errors.length === 0 ? '' : `, ${print.paint.red(`${errors.length} failed`)}`
  print.result(
    `${counts.engine} upscaled, ${counts.cache} from the cache${fetched}${failed}, ${dollars(spentMicros)} spent`,
  )
  print.document({ counts, spentMicros, errors: errors.map(errorFacts), notices })
  return exitCodeOf(errors)
}
