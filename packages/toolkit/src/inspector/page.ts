import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dollars } from 'upscale-core/internal'
import { type Card, renderCard, STATES } from './card.ts'
import type { PictureState, ShownPicture } from './picture.ts'
import { html, Markup } from './text.ts'

/** What a page has beside its pictures. */
export interface PageOptions {
  /** The project's name, for the title. */
  readonly project: string
  /** All that was ever paid, in millionths of a US dollar. */
  readonly paidMicros: number
  /** What the page says about itself below its title. */
  readonly about: string
  /** Present for a page that a dev server keeps up to date. */
  readonly live?: LivePage
}

export interface LivePage {
  /** Where the data and the buttons go, ending in a slash. */
  readonly base: string
  /** Where links to an editor start. */
  readonly editor: string
  /** What a button has to show. */
  readonly token: string
  /** What a run may spend, in millionths of a US dollar. */
  readonly budgetMicros: number
}

/** What changes on a page while it is open. */
export interface PageState {
  readonly summary: string
  readonly cards: readonly Card[]
}

/** States that a person may want to see alone, in the order of the filter. The last four are shown when there are any. */
const FILTERS: readonly PictureState[] = [
  'finished',
  'answered',
  'missing',
  'refused',
  'working',
  'remote',
  'uncertain',
  'wrong',
  'looking',
]
const ALWAYS_SHOWN = 5

export function renderState(pictures: readonly ShownPicture[], options: PageOptions): PageState {
  return {
    summary: summary(pictures, options).text,
    cards: pictures.map(picture => renderCard(picture, options.live ?? {})),
  }
}

/** The page as one text that needs nothing else but the pictures it names. */
export function renderPage(pictures: readonly ShownPicture[], options: PageOptions): string {
  const style = new Markup(asset('page.css'))
  const script = new Markup(asset('page.js'))
  const state = renderState(pictures, options)
  const { project, about, live } = options
  const title = live === undefined ? 'Upscale report' : 'Upscale inspector'
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(style.text, script.text)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title}: ${project}</title>
<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(ICON)}">
<style>${style}</style>
</head>
<body${live && html` data-base="${live.base}" data-token="${live.token}"`}>
<a class="skip" href="#pictures">Skip to the pictures</a>
<header class="top">
  <div class="title">
    <span class="mark" aria-hidden="true"></span>
    <div><h1>${title}</h1><p>${project}</p></div>
  </div>
  <div id="summary">${new Markup(state.summary)}</div>
</header>
<nav class="tools" aria-label="Which pictures are shown">
  <fieldset><legend class="away">State</legend>${filters(live !== undefined)}</fieldset>
  <label class="search"><span class="away">Name contains</span><input type="search" id="search" placeholder="Filter by name" autocomplete="off" spellcheck="false"></label>
</nav>
<main id="main">
  <p class="about">${about}</p>
  <p id="status" role="status" aria-live="polite"></p>
  <ul id="pictures" class="cards" tabindex="-1" aria-label="Pictures">${state.cards.map(card => new Markup(card.html))}</ul>
  <p id="empty" class="empty"${pictures.length > 0 && html` hidden`}>No reference with <code>?upscale=2</code> was found in this project. Write one, as in <code>import hero from './hero.png?upscale=2'</code>.</p>
  <p id="nothing" class="empty" hidden>No picture fits the filter.</p>
</main>
${live && dialog(live)}
<script type="module">${script}</script>
</body>
</html>
`.text
}

function summary(pictures: readonly ShownPicture[], { paidMicros, live }: PageOptions): Markup {
  const missing = pictures.filter(({ state }) => state === 'missing')
  const toPay = missing.reduce((sum, { priceMicros }) => sum + priceMicros, 0)
  const free = pictures.filter(({ action }) => action?.kind === 'free').length
  const facts: [string, string | number][] = [
    ['Pictures', pictures.length],
    ['Finished', pictures.filter(({ state }) => state === 'finished').length],
    ['Missing', missing.length],
    ['Paid so far', dollars(paidMicros)],
    ['To pay', dollars(toPay)],
  ]
  return html`<dl class="totals">${facts.map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`)}</dl>
  ${live && free > 0 && html`<button type="button" class="main" data-make-free>Upscale all free ones <span class="count">${free}</span></button>`}`
}

function filters(isLive: boolean): Markup[] {
  const chip = (value: string, label: string, isRare: boolean): Markup =>
    html`<label class="chip"${isRare && html` data-rare hidden`}><input type="radio" name="state" value="${value}"${value === 'all' && html` checked`}><span>${label} <span class="count" data-count="${value}"></span></span></label>`
  return [
    chip('all', 'All', false),
    ...FILTERS.map((state, index) =>
      chip(state, STATES[state][0], index >= ALWAYS_SHOWN || (state === 'working' && !isLive)),
    ),
  ]
}

function dialog({ budgetMicros }: LivePage): Markup {
  return html`<dialog id="confirm" aria-labelledby="confirm-title" aria-describedby="confirm-text">
  <form method="dialog">
    <h2 id="confirm-title">Pay for this picture?</h2>
    <p id="confirm-text"><strong data-name></strong> costs <strong data-price></strong>. It counts against the budget of this run, ${dollars(budgetMicros)}.</p>
    <div class="buttons"><button value="" class="quiet">Cancel</button><button value="pay" class="main">Pay <span data-price></span></button></div>
  </form>
</dialog>`
}

const files = new Map<string, string>()

function asset(name: 'page.css' | 'page.js'): string {
  const known = files.get(name) ?? readFileSync(new URL(`./${name}`, import.meta.url), 'utf8')
  files.set(name, known)
  return known
}

/** Only the style and the script that are in the page, and pictures from where it came or written out in it. */
function policy(style: string, script: string): string {
  const digest = (text: string): string => `'sha256-${hash('sha256', text, 'base64')}'`
  return [
    "default-src 'none'",
    "img-src 'self' data:",
    `style-src ${digest(style)}`,
    `script-src ${digest(script)}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
}

const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="#4c5fd7"/><path d="M4 9h3v3H4z" fill="#fff" opacity=".7"/><path d="M8 4h4v4H8z" fill="#fff"/></svg>'
