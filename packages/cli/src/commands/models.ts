import type { Command } from 'commander'
import type { Engine } from 'upscale-core'
import { dollars } from 'upscale-core/internal'
import { listModels } from 'upscale-core/internal/upkeep'
import { EXIT } from '../exit-codes.ts'
import { type CommonFlags, withCommonFlags, withExamples } from '../flags.ts'
import { inSession, type Session } from '../session.ts'
import { printTable } from '../table.ts'

export interface ModelsFlags extends CommonFlags {
  readonly remote?: boolean
}

/** `upscale models`: which engines there are. */
export function addModels(program: Command): void {
  const command = program
    .command('models')
    .description('List the engines that --engine and ?engine= can name, with model, price and factors.')
    .option('--remote', "list the models of Lumenfall's catalogue instead; needs LUMENFALL_API_KEY")
  withCommonFlags(command)
  withExamples(command, ['upscale models', 'upscale models --remote --json'])
  command.action(async (flags: ModelsFlags) => {
    process.exitCode = await inSession(flags, [], session =>
      flags.remote === true ? listRemote(session) : listEngines(session),
    )
  })
}

const FACTORS = [2, 3, 4, 6, 8]

async function listEngines({ upscaler, print }: Session): Promise<number> {
  const { engine: chosen, engines } = upscaler.options
  const rows = [...engines].map(([name, engine]) => factsOf(name, engine, name === chosen))
  const header = ['', 'name', 'model', 'price', 'factors'].map(text => print.paint.bold(text))
  const cells = rows.map(({ name, model, billing, priceMicros, pricedBy, factors, isDefault }) => [
    isDefault ? '*' : '',
    name,
    model,
    billing === 'free'
      ? 'free'
      : priceMicros === 0
        ? 'see the catalogue'
        : `${dollars(priceMicros)} a ${pricedBy}`,
    `up to ${Math.max(...factors)}`,
  ])
  print.result(printTable([header, ...cells]))
  print.document({ engines: rows })
  return EXIT.ok
}

interface EngineRow {
  readonly name: string
  readonly id: string
  readonly model: string
  readonly billing: Engine['billing']
  readonly priceMicros: number
  readonly pricedBy: NonNullable<Engine['pricedBy']>
  /** Which of some common factors it reaches. */
  readonly factors: readonly number[]
  readonly isDefault: boolean
}

function factsOf(name: string, engine: Engine, isDefault: boolean): EngineRow {
  const { id, model, billing, priceMicros, pricedBy = 'picture' } = engine
  const factors = FACTORS.filter(factor => engine.scaleFor(factor) !== undefined)
  return { name, id, model, billing, priceMicros, pricedBy, factors, isDefault }
}

async function listRemote({ config: { env }, print }: Session): Promise<number> {
  const models = await listModels(env)
  print.result(printTable(models.map(({ id, name, ownedBy }) => [id, name ?? '', ownedBy ?? ''])))
  print.document({ models })
  return EXIT.ok
}
