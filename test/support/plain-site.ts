import { join } from 'node:path'
import type { Form } from './expectations.ts'
import { paint } from './pictures.ts'
import { type Site, writeSite } from './site.ts'

/** A form that a page's script can show by itself: how the reference is written, and what it must give. */
interface PlainForm {
  readonly form: Form
  readonly kind: 'import' | 'srcset' | 'metadata' | 'dynamic' | 'new-url' | 'css' | 'css-imported'
  /** The reference as it stands in main.js, style.css or what that imports. */
  readonly reference: string
}

const plain = (
  name: string,
  kind: PlainForm['kind'],
  reference: string,
  picture: string,
  ...factors: number[]
): PlainForm => ({ form: [name, picture, ...factors], kind, reference })

/** Forms in a style sheet, for hosts that bundle them. */
const CSS_FORMS: readonly PlainForm[] = [
  plain('css-url', 'css', 'url(./img/css-url.png?upscale=2)', 'src/img/css-url.png', 2),
  plain('css-quoted', 'css', 'url("./img/css-quoted.png?upscale=2")', 'src/img/css-quoted.png', 2),
  plain('css-space', 'css', 'url("./img/css space.png?upscale=2")', 'src/img/css space.png', 2),
  plain(
    'css-imported',
    'css-imported',
    'url(../img/css-imported.png?upscale=2)',
    'src/img/css-imported.png',
    2,
  ),
  plain('css-set', 'css', 'image-set(url("./img/css-set.png?upscale=2") 1x)', 'src/img/css-set.png', 2),
]

const JS_FORMS: readonly PlainForm[] = [
  plain('static', 'import', './img/static.png?upscale=2', 'src/img/static.png', 2),
  plain('bare', 'import', './img/bare.png?upscale', 'src/img/bare.png', 2),
  plain('preset', 'import', './img/preset.png?upscale=hero', 'src/img/preset.png', 1.5),
  plain('percent', 'import', './img/100%.png?upscale=2', 'src/img/100%.png', 2),
  plain('space', 'import', './img/my photo (1).png?upscale=2', 'src/img/my photo (1).png', 2),
  plain('unicode', 'import', './img/été-写真.png?upscale=2', 'src/img/été-写真.png', 2),
  plain('jpeg', 'import', './img/jpeg.jpg?upscale=2', 'src/img/jpeg.jpg', 2),
  plain('webp', 'import', './img/webp.webp?upscale=2', 'src/img/webp.webp', 2),
  plain('twofold', 'import', './img/two-factors.png?upscale=2', 'src/img/two-factors.png', 2),
  plain('threefold', 'import', './img/two-factors.png?upscale=3', 'src/img/two-factors.png', 3),
  plain('extra', 'import', './img/extra.png?foo=1&upscale=2', 'src/img/extra.png', 2),
  plain('srcset', 'srcset', './img/srcset.png?upscale=2&as=srcset', 'src/img/srcset.png', 1, 2),
  plain('srcset-of-two', 'srcset', './img/two.png?upscale=2;3&as=srcset', 'src/img/two.png', 1, 2, 3),
  plain('metadata', 'metadata', './img/metadata.png?upscale=2&as=metadata', 'src/img/metadata.png', 2),
  plain('dynamic', 'dynamic', './img/dynamic.png?upscale=2', 'src/img/dynamic.png', 2),
]

const NEW_URL = plain('new-url', 'new-url', './img/new-url.png?upscale=2', 'src/img/new-url.png', 2)
const ALIAS = plain('alias', 'import', '@/img/alias.png?upscale=2', 'src/img/alias.png', 2)
const PACKAGE = plain(
  'package',
  'import',
  'pictures/package.png?upscale=2',
  'node_modules/pictures/package.png',
  2,
)

/** What a host can do besides imports of files. */
export interface Abilities {
  readonly css: boolean
  readonly newUrl: boolean
  readonly alias: boolean
  readonly packages: boolean
}

/** A project of every form that a host can do, shown by `src/main.js`. */
export interface PlainSite extends Site {
  readonly forms: readonly Form[]
}

export async function makePlainSite({ css, newUrl, alias, packages }: Abilities): Promise<PlainSite> {
  const forms = [
    ...JS_FORMS,
    ...(css ? CSS_FORMS : []),
    ...(newUrl ? [NEW_URL] : []),
    ...(alias ? [ALIAS] : []),
    ...(packages ? [PACKAGE] : []),
  ]
  const site = await writeSite({
    'src/main.js': scriptOf(forms),
    'src/style.css': `@import './styles/imported.css';\n${styleOf(forms, 'css')}`,
    'src/styles/imported.css': styleOf(forms, 'css-imported'),
    'index.html':
      '<!doctype html><html><body><script type="module" src="./src/main.js"></script></body></html>',
    'node_modules/pictures/package.json': '{ "name": "pictures", "version": "1.0.0" }\n',
  })
  await Promise.all(forms.map(({ form: [, picture] }) => paint(site.root, picture)))
  return { ...site, forms: forms.map(({ form }) => form) }
}

function styleOf(forms: readonly PlainForm[], wanted: 'css' | 'css-imported'): string {
  return forms
    .filter(({ kind }) => kind === wanted)
    .map(({ reference, form: [name] }) => `.${name} { background-image: ${reference} }\n`)
    .join('')
}

function scriptOf(forms: readonly PlainForm[]): string {
  const imports: string[] = []
  const lines: string[] = []
  const last: string[] = []
  forms.forEach(({ kind, reference, form: [name] }, index) => {
    const show = (value: string, property = 'src'): string =>
      `show(${JSON.stringify(name)}, ${JSON.stringify(property)}, ${value})`
    const text = JSON.stringify(reference)
    if (kind.startsWith('css'))
      lines.push(`show(${JSON.stringify(name)}, 'className', ${JSON.stringify(name)})`)
    else if (kind === 'dynamic') last.push(`const { default: later } = await import(${text})`, show('later'))
    else if (kind === 'new-url') lines.push(show(`new URL(${text}, import.meta.url).href`))
    else {
      imports.push(`import image${index} from ${text}`)
      if (kind === 'srcset') lines.push(show(`image${index}`, 'srcset'))
      else lines.push(show(kind === 'metadata' ? `image${index}.src` : `image${index}`))
    }
  })
  const show = `function show(form, property, value) {
  const element = document.createElement(property === 'className' ? 'div' : 'img')
  element.dataset.form = form
  element[property] = value
  document.body.append(element)
}`
  if (forms.some(({ kind }) => kind === 'css')) imports.push("import './style.css'")
  const end = `async function finish() {\n${[...last, "document.documentElement.dataset.ready = 'true'"].join('\n')}\n}\nfinish()`
  return [...imports, show, ...lines, end, ''].join('\n')
}

/** The page of a host that makes none. */
export const pageOf = (type: 'module' | 'text/javascript', css: boolean): string =>
  `<!doctype html><html><head>${css ? '<link rel="stylesheet" href="main.css">' : ''}</head>` +
  `<body><script defer type="${type}" src="main.js"></script></body></html>`

export const sourceFolder = (site: Site): string => join(site.root, 'src')
