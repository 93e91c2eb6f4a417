import { resolve } from 'node:path'
import type { Command } from 'commander'
import { withEngineFlags, withExamples } from '../flags.ts'
import type { HtmlFlags } from '../html/flags.ts'
import { inSession, type Session } from '../session.ts'

/** `upscale html <folder>`: the pictures of a finished site. */
export function addHtml(program: Command): void {
  const command = program
    .command('html')
    .description(
      'Upscale the tagged pictures (hero.png?upscale=2) of a finished site, and make its HTML, CSS and SVG point at them.',
    )
    .argument('<folder>', 'the built site, which is changed in place')
    .option('--base <address>', 'where the site is served: /sub/ or https://example.com/sub/ (default: /)')
    .option('--assets <folder>', 'folder of the site for the new files (default: beside the originals)')
    .option(
      '--auto <selector>',
      'also give every untagged <img> under the selector a srcset with a larger picture',
    )
    .option(
      '--auto-files <patterns...>',
      'the same for files, such as "photos/**"; with --auto, both must hold',
    )
    .option('--auto-shown', 'the same for those that the page shows with too few pixels for a dense screen')
    .option('--dry-run', 'tell what would be done and what it would cost')
  withEngineFlags(command)
  withExamples(command, [
    'upscale html dist/',
    'upscale html _site --base https://example.com/blog/ --assets assets/large',
    'upscale html public --auto "main article" --factor 2',
    'upscale html public --auto-shown --auto-files "photos/**" --dry-run',
    'upscale html dist/ --dry-run --json',
  ])
  command.action(async (folder: string, flags: HtmlFlags) => {
    // The parsers of HTML and CSS are loaded here, so that no other command waits for them.
    const { rewriteSite } = await import('../html/site.ts')
    const work = (session: Session): Promise<number> => rewriteSite(folder, flags, session)
    process.exitCode = await inSession(flags, [resolve(folder)], work)
  })
}
