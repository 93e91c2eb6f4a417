import { PUBLIC_PREFIXES, VARIABLES } from '../../packages/core/src/request/env.ts'
import { page, table } from './markdown.ts'

/** Every variable that is read. */
export function environmentPage(): string {
  const rows = Object.entries(VARIABLES).map(([name, { meaning, isSecret }]) => [
    `\`${name}\``,
    `${meaning}${isSecret ? '. **A secret**: never bundled, printed or stored' : ''}`,
  ])
  return page('Environment variables', [
    'An option that is given wins over its variable. Variables of the process win over the files `.env`, `.env.local`, `.env.<mode>` and `.env.<mode>.local` in the project, of which a later one wins. Nothing is written back to the process.',
    table(['Variable', 'Meaning'], rows),
    `## Keys and bundlers

Bundlers copy variables with certain prefixes into the page. A key under such a name would be published, so it is an
error, [\`KEY_EXPOSED\`](../errors.md#key-exposed). The prefixes are ${PUBLIC_PREFIXES.map(prefix => `\`${prefix}\``).join(', ')}.

## Network and terminal

\`HTTPS_PROXY\`, \`HTTP_PROXY\` and \`NO_PROXY\`, in upper or lower case, hold for the paid engines. The command line tool
honours \`NO_COLOR\` and \`FORCE_COLOR\`.`,
  ])
}
