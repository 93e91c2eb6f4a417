const pictures = document.getElementById('pictures')
const status = document.getElementById('status')
const { base, token } = document.body.dataset
const search = document.getElementById('search')
/** Texts that were told already, so that a screen reader isn't told twice. */
let told = ''

// Before and after ----------------------------------------------------------------------------------------------

/** Puts the line where the range says, counted over the part of the picture that can be seen. */
function cut(compare) {
  const pane = compare.querySelector('.pane')
  const stage = compare.querySelector('.stage')
  const range = compare.querySelector('input[type=range]')
  const visible = Math.min(pane.clientWidth, stage.offsetWidth)
  if (visible === 0) return
  const at = pane.scrollLeft + (Number(range.value) / 100) * visible
  stage.style.setProperty('--cut', `${at}px`)
  range.setAttribute('aria-valuetext', `${range.value} percent before`)
}

function setUp(root) {
  for (const compare of root.querySelectorAll('[data-compare]')) {
    const pane = compare.querySelector('.pane')
    // The middle of a picture tells more than its corner.
    pane.scrollLeft = (pane.scrollWidth - pane.clientWidth) / 2
    pane.scrollTop = (pane.scrollHeight - pane.clientHeight) / 2
    pane.addEventListener('scroll', () => cut(compare), { passive: true })
    sizes.observe(pane)
    const isLarger = pane.scrollWidth > pane.clientWidth + 1 || pane.scrollHeight > pane.clientHeight + 1
    compare.querySelector('[data-fit]').hidden = !isLarger
    cut(compare)
  }
}

const sizes = new ResizeObserver(entries => {
  for (const { target } of entries) cut(target.closest('[data-compare]'))
})

pictures.addEventListener('input', ({ target }) => {
  if (target.matches('input[type=range]')) cut(target.closest('[data-compare]'))
})

pictures.addEventListener('click', event => {
  const button = event.target.closest('[data-fit]')
  if (button === null) return
  const compare = button.closest('[data-compare]')
  const fits = compare.classList.toggle('fits')
  button.setAttribute('aria-pressed', String(fits))
  cut(compare)
})

/** Dragging over the picture moves the line too; a finger scrolls instead where there is something to scroll to. */
pictures.addEventListener('pointerdown', event => {
  const pane = event.target.closest('[data-compare] .pane')
  if (pane === null || event.button !== 0) return
  const compare = pane.closest('[data-compare]')
  const box = pane.getBoundingClientRect()
  const isOnBar = event.clientX > box.left + pane.clientWidth || event.clientY > box.top + pane.clientHeight
  const scrolls = pane.scrollWidth > pane.clientWidth + 1
  if (isOnBar || (event.pointerType === 'touch' && scrolls)) return
  const range = compare.querySelector('input[type=range]')
  const stage = compare.querySelector('.stage')
  const move = ({ clientX }) => {
    const left = Math.max(box.left, stage.getBoundingClientRect().left)
    const width = Math.min(pane.clientWidth, stage.offsetWidth)
    range.value = String(((clientX - left) / width) * 100)
    cut(compare)
  }
  event.preventDefault()
  range.focus({ preventScroll: true })
  pane.setPointerCapture(event.pointerId)
  pane.addEventListener('pointermove', move)
  pane.addEventListener('lostpointercapture', () => pane.removeEventListener('pointermove', move), {
    once: true,
  })
  move(event)
})

// Filter --------------------------------------------------------------------------------------------------------

function filter() {
  const wanted = document.querySelector('input[name=state]:checked').value
  const text = search.value.trim().toLowerCase()
  const counts = { all: 0 }
  let shown = 0
  for (const card of pictures.children) {
    const { state } = card.dataset
    counts.all++
    counts[state] = (counts[state] ?? 0) + 1
    const name = card.querySelector('h2').textContent.toLowerCase()
    card.hidden = (wanted !== 'all' && wanted !== state) || !name.includes(text)
    if (!card.hidden) shown++
  }
  for (const place of document.querySelectorAll('[data-count]')) {
    const count = counts[place.dataset.count] ?? 0
    place.textContent = String(count)
    const chip = place.closest('.chip')
    chip.hidden = count === 0 && chip.dataset.rare !== undefined && !chip.querySelector('input').checked
  }
  document.getElementById('empty').hidden = counts.all > 0
  document.getElementById('nothing').hidden = counts.all === 0 || shown > 0
  // Panes that were hidden had no size.
  for (const compare of pictures.querySelectorAll('[data-compare]')) cut(compare)
}

document.querySelector('.tools').addEventListener('input', filter)

// Live ----------------------------------------------------------------------------------------------------------

/** Exchanges the cards that changed; slider, focus and filter stay. */
function update({ summary, cards }) {
  const place = document.getElementById('summary')
  if (place.dataset.text !== summary) {
    place.dataset.text = summary
    place.innerHTML = summary
  }
  const known = new Map([...pictures.children].map(card => [card.dataset.id, card]))
  let previous = null
  for (const { id, version, html } of cards) {
    const before = known.get(id)
    known.delete(id)
    const card = before?.dataset.version === version ? before : exchange(before, html)
    const next = previous === null ? pictures.firstElementChild : previous.nextElementSibling
    if (next !== card) pictures.insertBefore(card, next)
    previous = card
  }
  for (const gone of known.values()) gone.remove()
  filter()
}

function exchange(before, html) {
  const holder = document.createElement('template')
  holder.innerHTML = html
  const card = holder.content.firstElementChild
  const focused = before?.contains(document.activeElement) ? document.activeElement : undefined
  const value = before?.querySelector('input[type=range]')?.value
  if (before === undefined) pictures.append(card)
  else before.replaceWith(card)
  const range = card.querySelector('input[type=range]')
  if (range !== null && value !== undefined) range.value = value
  if (focused !== undefined) {
    const same = focused.id === '' ? null : card.querySelector(`#${CSS.escape(focused.id)}`)
    const heading = card.querySelector('h2')
    ;(same ?? heading).focus({ preventScroll: true })
  }
  setUp(card)
  return card
}

function tell(text) {
  if (text === told) return
  told = text
  status.textContent = text
}

let revision = -1
let timer

async function refresh() {
  clearTimeout(timer)
  let pause = 3000
  try {
    const response = await fetch(`${base}pictures.json?revision=${revision}`)
    if (!response.ok) throw new Error(await response.text())
    const state = await response.json()
    if (state.cards !== undefined) update(state)
    revision = state.revision
    if (state.isBusy) pause = 600
    tell(state.status)
  } catch {
    tell('The dev server does not answer. Start it again; this page then goes on.')
  }
  timer = setTimeout(refresh, document.visibilityState === 'visible' ? pause : 30_000)
}

async function make(ids, confirmedMicros) {
  const response = await fetch(`${base}make`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-upscale-token': token },
    body: JSON.stringify({ ids, ...(confirmedMicros === undefined ? {} : { confirmedMicros }) }),
  }).catch(() => undefined)
  if (response === undefined) tell('The dev server does not answer.')
  else if (!response.ok) tell(await response.text())
  await refresh()
}

function confirmPrice({ name, price }) {
  const dialog = document.getElementById('confirm')
  for (const place of dialog.querySelectorAll('[data-name]')) place.textContent = name
  for (const place of dialog.querySelectorAll('[data-price]')) place.textContent = price
  dialog.returnValue = ''
  dialog.showModal()
  return new Promise(resolve => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'pay'), { once: true })
  })
}

async function press(button) {
  if (button.matches('[data-make-free]')) {
    await make('free')
    return
  }
  const { make: id, priceMicros, confirm } = button.dataset
  if (priceMicros === undefined) await make([id])
  else if (confirm === undefined || (await confirmPrice(button.dataset)))
    await make([id], Number(priceMicros))
}

async function openEditor(link) {
  const response = await fetch(link.href).catch(() => undefined)
  tell(response?.ok ? `Opening ${link.textContent.trim()} in your editor` : 'The editor could not be opened.')
}

if (base !== undefined) {
  document.addEventListener('click', event => {
    const button = event.target.closest('[data-make], [data-make-free]')
    if (button !== null) press(button)
    const link = event.target.closest('[data-editor]')
    if (link !== null && !event.ctrlKey && !event.metaKey) {
      event.preventDefault()
      openEditor(link)
    }
  })
  document.addEventListener('visibilitychange', refresh)
  refresh()
}

setUp(pictures)
filter()
