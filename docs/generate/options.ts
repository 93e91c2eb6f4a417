import { type Comment, type DeclarationReflection, ReflectionKind } from 'typedoc'
import { page, table } from './markdown.ts'
import type { Packages } from './packages.ts'

/** The interfaces that users fill in, in the order of the page. */
const INTERFACES: readonly [name: string, title: string, about: string][] = [
  [
    'UpscalerOptions',
    'UpscalerOptions',
    'Of every plugin (`upscale({ … })`), of `upscale.config.ts`, of `createUpscaler()` and of the server. All may be left out. A name or a value that cannot be right is an error at the start.',
  ],
  ['UpscaleOptions', 'Of plugins alone', 'What only a bundler has, beside all of the above.'],
  ['Preset', 'Preset', 'A value of `presets`.'],
  ['UpscaleRule', 'UpscaleRule', 'A value of `rules`; [what rules are](../rules.md).'],
  ['LocalOptions', 'local()', 'The embedded engine. `engine: "local"` is `local()` without options.'],
  ['LumenfallOptions', 'lumenfall()', 'Models behind Lumenfall.'],
  ['FalOptions', 'fal()', 'Ideogram Upscale from fal directly.'],
  ['IdeogramOptions', 'ideogram()', "Ideogram's own API, the present one."],
  ['OpenaiCompatibleOptions', 'openaiCompatible()', "Any other gateway with OpenAI's `images/edits`."],
  ['ServerOptions', 'createServer()', "The team's own gateway, `upscale-server`."],
]

/** Every option with its meaning and default, from the comments of the types. */
export function optionsPage({ project }: Packages): string {
  const blocks = INTERFACES.flatMap(([name, title, about]) => {
    const [found] = project
      .getReflectionsByKind(ReflectionKind.Interface)
      .filter(reflection => reflection.name === name)
    if (!found?.isDeclaration()) throw new Error(`no interface ${name} is exported`)
    const own = (found.children ?? []).filter(child => child.inheritedFrom === undefined)
    const extended = name === 'LumenfallOptions' ? (found.children ?? []) : own
    return [`## ${title}`, about, table(['Option', 'Meaning'], extended.map(row))]
  })
  return page('Options', [
    ...blocks,
    'The types themselves, with what functions throw, are in the [API reference](./api/index.md).',
  ])
}

function row(option: DeclarationReflection): string[] {
  const { comment } = option
  const meaning = textOf(comment?.summary ?? [])
  if (comment === undefined || meaning === '') throw new Error(`${option.getFullName()} says nothing`)
  const byDefault = defaultOf(comment)
  // Two columns, the first one narrow, so that the meaning is on the screen of a phone.
  const facts = [typeOf(option), byDefault === '' ? '' : `default: ${byDefault}`].filter(one => one !== '')
  return [`**\`${option.name}\`**`, `${meaning}<br>${facts.join(', ')}`]
}

function typeOf(option: DeclarationReflection): string {
  const type = (option.type?.toString() ?? '').replace(/^readonly /, '')
  return type === '' ? '' : `\`${type}\``
}

function defaultOf(comment: Comment): string {
  const tag = comment.getTag('@default') ?? comment.getTag('@defaultValue')
  if (tag === undefined) return ''
  const text = textOf(tag.content)
    .replace(/^```ts\s*|\s*```$/g, '')
    .trim()
  // A value, or words about it.
  return /^(?:'[^']*'|[\d.]+|true|false|\[.*\])$/.test(text) ? `\`${text}\`` : text
}

function textOf(parts: Comment['summary']): string {
  return parts
    .map(({ text }) => text)
    .join('')
    .replace(/\s+/g, ' ')
    .trim()
}
