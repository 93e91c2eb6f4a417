import { defineConfig } from 'tsdown'
import { base } from '../../tsdown.base.ts'

const SHARED =
  /\/references\/(?:address|blanked|code-strings|css-tokens|lines|prose-attributes|script|srcset|steps|text-edits|text-parts)\.ts$/

export default defineConfig({
  ...base,
  entry: {
    declarations: 'src/declarations/index.ts',
    inspector: 'src/inspector/index.ts',
    references: 'src/references/index.ts',
    ...Object.fromEntries(
      ['elements', 'output', 'scan', 'script', 'site', 'sources'].map(part => [
        `references/${part}`,
        `src/references/${part}.ts`,
      ]),
    ),
    rules: 'src/rules/index.ts',
    'rules/rule': 'src/rules/rule.ts',
    terminal: 'src/terminal/index.ts',
  },
  dts: true,
  // One file for what nearly every reader of references needs, since each file takes half a millisecond to load.
  outputOptions: {
    ...base.outputOptions,
    codeSplitting: { groups: [{ name: 'shared', test: SHARED }] },
  },
  // The style sheet and the script of the inspector's page, which are read where a page is made.
  copy: ['src/inspector/page.css', 'src/inspector/page.js'],
})
