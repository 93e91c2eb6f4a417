import tab from '@bomb.sh/tab/commander'
import { Command } from 'commander'
import packageFacts from '../package.json' with { type: 'json' }
import { addHtml } from './commands/html.ts'
import { addPlan } from './commands/plan.ts'
import { addRun } from './commands/run.ts'

/** Every command, with its help. */
export function createProgram(): Command {
  const program = new Command('upscale')
    .description('Upscales pictures and the pictures of finished web pages: verified, cached, paid for once.')
    .version(packageFacts.version)
    .showHelpAfterError('(add --help for the options and examples)')
    .enablePositionalOptions()
    .addHelpText('after', HELP)
  addRun(program)
  addHtml(program)
  addPlan(program)
  addWarm(program)
  tab(program)
  return program
}

const HELP = `
Examples:
  $ upscale images/ --out dist/images --factor 2
  $ upscale html dist/
  $ upscale plan
  $ upscale help html

Exit codes:
  0    done
  1    some pictures failed, the others are done
  2    the command line or the configuration is wrong
  3    something would have to be paid for, and the run is frozen or over its budget
  130  interrupted by Ctrl-C`
