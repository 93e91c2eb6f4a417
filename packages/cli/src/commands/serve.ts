import type { Command } from 'commander'
import { UpscaleError, type UpscalerOptions } from 'upscale-core'
import type { ServerOptions } from 'upscale-server'
import { onStopSignals } from 'upscale-toolkit/terminal'
import { type Config, loadConfig } from '../config.ts'
import { EXIT } from '../exit-codes.ts'
import { type EngineFlags, wholeNumber, withEngineFlags, withExamples } from '../flags.ts'
import { createPrinter } from '../print.ts'
import { hostEngines, mergeOptions } from '../session.ts'

export interface ServeFlags extends EngineFlags {
  readonly port?: number
  readonly host?: string
}

/** `upscale serve`: the gateway of upscale-server over the same options and cache. */
export function addServe(program: Command): void {
  const command = program
    .command('serve')
    .description(
      'Answer image edits over HTTP, as OpenAI-compatible clients ask for them. Needs the package upscale-server.',
    )
    .option('--port <number>', 'port to listen on (default: 4010)', wholeNumber(0, 65_535))
    .option('--host <name>', 'interface to listen on; others than this machine need UPSCALE_SERVER_KEYS')
  withEngineFlags(command)
  withExamples(command, ['upscale serve', 'upscale serve --engine lumenfall --budget 20 --port 8080'])
  command.action(async (flags: ServeFlags) => {
    process.exitCode = await serve(flags)
  })
}

async function serve(flags: ServeFlags): Promise<number> {
  const print = createPrinter(flags)
  const { createServer } = await loadServer()
  const config = await loadConfig(flags.config)
  const note = (line: string): void => print.note(line)
  const logger = { info: note, warn: note, error: note }
  const server = createServer(serverOptions(config, flags), { env: config.env, logger })
  const { port, host } = flags
  const url = await server.listen({
    ...(port === undefined ? {} : { port }),
    ...(host === undefined ? {} : { host }),
  })
  print.result(`listening on ${url}`)
  print.document({ url })
  await new Promise<void>(resolve => {
    onStopSignals(
      () => resolve(),
      () => process.exit(EXIT.interrupted),
    )
  })
  print.note('stopping: requests under way are finished; Ctrl-C again leaves at once')
  await server.close()
  return EXIT.interrupted
}

/** Models are the engines of the config, and those that need none; the chosen one comes first. */
function serverOptions(config: Config, flags: EngineFlags): ServerOptions {
  const { engine, presets, include, exclude, onError, engines, ...options }: UpscalerOptions = mergeOptions(
    config,
    flags,
    [],
  )
  const own = { ...hostEngines(config.options), ...engines }
  const chosen =
    typeof engine === 'object'
      ? { [engine.id]: engine }
      : engine === undefined
        ? {}
        : { [engine]: own[engine] ?? engine }
  return {
    ...options,
    root: config.root,
    models: { ...chosen, local: 'local', resize: 'resize', ...engines, ...chosen },
  }
}

async function loadServer(): Promise<typeof import('upscale-server')> {
  try {
    return await import('upscale-server')
  } catch (cause) {
    throw new UpscaleError('BAD_OPTION', 'the package upscale-server is not installed', {
      hint: 'install it beside upscale-cli: npm install upscale-server',
      cause,
    })
  }
}
