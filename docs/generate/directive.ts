import { DIRECTIVE_KEYS, type KeyGroup, keysOf } from '../../packages/core/src/request/directive-keys.ts'
import { page, table } from './markdown.ts'

const GROUPS: Readonly<Record<KeyGroup, string>> = {
  request: 'What to make',
  output: 'What ships',
  engine: 'How the engine works',
}

/** Every key of a tagged reference. */
export function directivePage(): string {
  const sections = (Object.keys(GROUPS) as KeyGroup[]).flatMap(group => [
    `## ${GROUPS[group]}`,
    table(
      ['Key', 'Values', 'Meaning'],
      keysOf(group).map(name => [`\`${name}\``, DIRECTIVE_KEYS[name].values, DIRECTIVE_KEYS[name].meaning]),
    ),
  ])
  return page('Directive', [INTRODUCTION, ...sections, RULES])
}

const INTRODUCTION = `The directive is the query of an image reference. It means the same in JavaScript, CSS, HTML and on every bundler:

\`\`\`text
./hero.png?upscale=2&format=webp&quality=80&engine=fine
\`\`\``

const RULES = `## Rules

- A value that cannot be right, a repeated key, or one of these keys without \`upscale\` is an
  [error](../errors.md#bad-directive) with the file and line of the reference. Nothing is clamped or guessed.
- Every other key stays on the reference, for your bundler or the next plugin: \`?upscale=2&inline\`, \`?upscale=2&w=800\`.
- Where a key of another image plugin is left (\`w\`, \`h\`, \`fit\`, …), \`format\`, \`quality\` and \`as\` are left to it too: the
  last stage owns the output. See [with other image tools](../other-tools.md).
- The result has exactly \`round(width × factor)\` × \`round(height × factor)\` pixels, at most the option
  [\`maxPixels\`](./options.md#upscaleroptions) in all.
- \`as=srcset\` gives \`a.png 1x, a-2x.png 2x\`; several factors are \`upscale=2;3\`. \`as=metadata\` gives
  \`{ src, width, height, format, srcset, factor, engine }\`.
- A reference has 4096 characters at most.`
