import { hash } from 'node:crypto'
import type { ExaminedFile } from 'upscale-core'
import { dollars, suggestFormat } from 'upscale-core/internal'
import type { PictureState, PictureViews, ShownPicture, ShownPlace } from './picture.ts'
import { bytesText, html, type Markup } from './text.ts'

/** What each state is called, and what it means. */
export const STATES: Readonly<Record<PictureState, readonly [name: string, meaning: string]>> = {
  finished: ['Finished', 'The larger picture is in the cache.'],
  answered: ['Original kept', 'What the engine made is in the cache; only the file has to be encoded again.'],
  remote: ['Remote', 'What an engine made is in the remote cache and would be fetched.'],
  missing: ['Missing', 'The engine has not made it yet.'],
  working: ['In work', 'It is being made, or waits for its turn.'],
  refused: ['Refused', 'It was refused for good and is not asked for again.'],
  uncertain: ['In doubt', 'The last call ended in doubt, so it is not repeated.'],
  wrong: ['Wrong', 'The reference or the picture is wrong.'],
  looking: ['Looking', 'It is being looked at.'],
}

/** Where links to an editor start; undefined for a page that has none. */
export interface CardOptions {
  readonly editor?: string
}

/** A card as text, with a mark that changes when the text does. */
export interface Card {
  readonly id: string
  readonly state: PictureState
  readonly version: string
  readonly html: string
}

export function renderCard(picture: ShownPicture, options: CardOptions): Card {
  const { id, state } = picture
  const inner = cardBody(picture, options)
  const version = hash('sha256', inner.text, 'hex').slice(0, 12)
  const { text } =
    html`<li class="card" id="picture-${id}" data-id="${id}" data-state="${state}" data-version="${version}">${inner}</li>`
  return { id, state, version, html: text }
}

function cardBody(picture: ShownPicture, options: CardOptions): Markup {
  const { id, name, state, message } = picture
  const [label, meaning] = STATES[state]
  return html`
<article aria-labelledby="name-${id}">
  <header>
    <h2 id="name-${id}" tabindex="-1">${broken(name)}</h2>
    <span class="badge" data-state="${state}" title="${meaning}">${label}</span>
  </header>
  ${picture.views && compare(picture, picture.views)}
  ${message !== undefined && html`<p class="message">${message}</p>`}
  <dl>${facts(picture)}${places(picture.places, options)}</dl>
  ${action(picture)}
</article>
`
}

/** Two pictures of the same size, one over the other, and what moves the line between them. */
function compare({ id, name }: ShownPicture, { before, after, width, height, note }: PictureViews): Markup {
  if (after === undefined) {
    return html`<div class="compare">
    <div class="pane" tabindex="0" role="group" aria-label="${name} as it is">
      <div class="stage"><img src="${before}" width="${width}" height="${height}" alt="${name}" loading="lazy" decoding="async"></div>
    </div>
    ${note !== undefined && html`<p class="note">${note}</p>`}
  </div>`
  }
  return html`<div class="compare" data-compare>
    <div class="pane" tabindex="0" role="group" aria-label="${name}, before on the left and after on the right">
      <div class="stage">
        <img class="after" src="${after}" width="${width}" height="${height}" alt="${name}, after" loading="lazy" decoding="async">
        <img class="before" src="${before}" width="${width}" height="${height}" alt="${name}, before" loading="lazy" decoding="async">
        <span class="line" aria-hidden="true"></span>
      </div>
    </div>
    <div class="controls">
      <span aria-hidden="true">Before</span>
      <input type="range" id="range-${id}" min="0" max="100" step="1" value="50" aria-label="How much of ${name} is shown as it was before" autocomplete="off">
      <span aria-hidden="true">After</span>
      <button type="button" class="quiet" data-fit aria-pressed="false">Fit</button>
    </div>
    ${note !== undefined && html`<p class="note">${note}</p>`}
  </div>`
}

function facts(picture: ShownPicture): Markup[] {
  const { factor, engine, model, chosen, settings, original, finished, billing, paidMicros, priceMicros } =
    picture
  const rows: [string, Markup | undefined][] = [
    ['Size', original && html`${change(pixels(original), target(picture))} px`],
    [
      'File',
      original &&
        html`${change(bytesText(original.size), finished && bytesText(finished.size))} <span class="soft">${formats(original, finished)}</span>`,
    ],
    ['Lighter', finished && lighter(finished)],
    ['Factor', factor === undefined ? undefined : html`×${factor}`],
    [
      'Engine',
      engine === undefined
        ? undefined
        : html`${engine}${model !== undefined && model !== engine && html` <span class="soft">${model}</span>`}`,
    ],
    ['Chosen', chosen === undefined ? undefined : html`${chosen}`],
    ['Settings', settings.length === 0 ? undefined : html`${settings.join(', ')}`],
    ['Paid so far', billing === 'paid' || paidMicros > 0 ? html`${dollars(paidMicros)}` : undefined],
    ['To pay', priceMicros > 0 ? html`${dollars(priceMicros)}` : undefined],
  ]
  return rows.flatMap(([term, value]) =>
    value === undefined ? [] : [html`<div><dt>${term}</dt><dd>${value}</dd></div>`],
  )
}

/** The size that it has, or will have. */
function target({ original, finished, factor }: ShownPicture): string | undefined {
  if (finished !== undefined) return pixels(finished)
  if (original === undefined || factor === undefined) return undefined
  return pixels({ width: Math.round(original.width * factor), height: Math.round(original.height * factor) })
}

function change(before: string, after: string | undefined): Markup {
  if (after === undefined) return html`${before}`
  return html`${before} <span class="arrow" aria-hidden="true">→</span><span class="away">after: </span> ${after}`
}

function pixels({ width, height }: Pick<ExaminedFile, 'width' | 'height'>): string {
  return `${width} × ${height}`
}

function formats(original: ExaminedFile, finished: ExaminedFile | undefined): string {
  const same = finished === undefined || finished.format === original.format
  return same ? original.format : `${original.format} → ${finished.format}`
}

function lighter({ format, size }: ExaminedFile): Markup | undefined {
  const better = suggestFormat(format, size)
  return better && html`likely less than half with <code>&amp;format=${better}</code>`
}

function places(all: readonly ShownPlace[], { editor }: CardOptions): Markup | false {
  if (all.length === 0) return false
  const items = all.map(({ name, line, file }) => {
    const text = html`${broken(name)}${line !== undefined && html`<span class="soft">:${line}</span>`}`
    if (editor === undefined || file === undefined) return html`<li>${text}</li>`
    const address = `${editor}?file=${encodeURIComponent(line === undefined ? file : `${file}:${line}`)}`
    return html`<li><a href="${address}" data-editor title="Open in your editor">${text}</a></li>`
  })
  return html`<div class="places"><dt>Referenced in</dt><dd><ul>${items}</ul></dd></div>`
}

function action({ id, name, action }: ShownPicture): Markup | false {
  if (action === undefined) return false
  if (action.kind === 'none') return html`<p class="note">${action.why}</p>`
  if (action.kind === 'free') {
    return html`<footer><button type="button" data-make="${id}">Upscale now<span class="away"> ${name}</span></button></footer>`
  }
  const { priceMicros, confirm } = action
  return html`<footer><button type="button" data-make="${id}" data-price-micros="${priceMicros}" data-price="${dollars(priceMicros)}" data-name="${name}"${confirm && html` data-confirm`}>Upscale now for ${dollars(priceMicros)}<span class="away"> ${name}</span></button></footer>`
}

/** Lets a long path be broken after its slashes. */
function broken(path: string): Markup[] {
  return path.split(/(?<=\/)/).map(part => html`${part}<wbr>`)
}
