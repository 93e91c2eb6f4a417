import tab from '@bomb.sh/tab/commander'
import { Command } from 'commander'
import { escapeLines } from 'upscale-core/internal'
import packageFacts from '../package.json' with { type: 'json' }
import { addCheck } from './commands/check.ts'
import { addDoctor } from './commands/doctor.ts'
import { addEnqueue } from './commands/enqueue.ts'
import { addHtml } from './commands/html.ts'
import { addLs } from './commands/ls.ts'
import { addMigrate } from './commands/migrate.ts'
import { addModels } from './commands/models.ts'
import { addPlan } from './commands/plan.ts'
import { addPrune } from './commands/prune.ts'
import { addQueue } from './commands/queue.ts'
import { addReport } from './commands/report.ts'
import { addRun } from './commands/run.ts'
import { addServe } from './commands/serve.ts'
import { addTypes } from './commands/types.ts'
import { addVerify } from './commands/verify.ts'
import { addWarm } from './commands/warm.ts'
import { addWhy } from './commands/why.ts'
import { addWork } from './commands/work.ts'

/** In the order in which the help lists them. */
const COMMANDS = [
  addRun,
  addHtml,
  addCheck,
  addPlan,
  addWarm,
  addWhy,
  addLs,
  addVerify,
  addPrune,
  addDoctor,
  addModels,
  addReport,
  addTypes,
  addMigrate,
  addServe,
  addEnqueue,
  addWork,
  addQueue,
]

/** Every command, with its help. */
export function createProgram(): Command {
  const program = new Command('upscale')
    .description('Upscales pictures and the pictures of finished web pages: verified, cached, paid for once.')
    .version(packageFacts.version)
    // As all other errors are printed.
    .configureOutput({ outputError: (text, write) => write(escapeLines(text.replace(/^error: /, 'error '))) })
    .showHelpAfterError('(add --help for the options and examples)')
    .addHelpText('after', HELP)
  for (const add of COMMANDS) add(program)
  tab(program)
  return program
}

const HELP = `
Examples:
  $ upscale images/ --out dist/images --factor 2
  $ upscale html dist/
  $ upscale plan
  $ upscale help html
  $ source <(upscale complete bash)

Exit codes:
  0    done
  1    some pictures failed, the others are done; check, verify, doctor or why found something wrong
  2    the command line or the configuration is wrong
  3    something would have to be paid for, and the run is frozen or over its budget
  130  interrupted by Ctrl-C`
