import { createProgram } from '../../packages/cli/src/program.ts'
import { page } from './markdown.ts'

type Command = ReturnType<typeof createProgram>

/** The help of every command, word for word. */
export function commandsPage(): string {
  const program = createProgram()
  const commands = program.commands.filter(command => command.name() !== 'help')
  return page('Commands', [
    'This is what `upscale --help` and the help of each command print. [Command line](../start/command-line.md) shows how they are used.',
    ...[program, ...commands].flatMap(command => [
      `## ${command === program ? 'upscale' : titleOf(command)}`,
      `\`\`\`text\n${helpOf(command).trimEnd()}\n\`\`\``,
    ]),
  ])
}

function titleOf(command: Command): string {
  return `upscale ${command.name()}`
}

function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({
    writeOut: part => {
      text += part
    },
    getOutHelpWidth: () => 68,
    getOutHasColors: () => false,
  })
  command.outputHelp()
  return text
}
