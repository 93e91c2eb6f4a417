/** What the example pages share: the slider between two pictures, and the sizes read from the pictures. */

/**
 * `<before-after label="Map">` with two pictures in it, the original first. The handle is an `<input type="range">`,
 * so it works with a mouse, a finger, the arrow keys, Home and End.
 */
class BeforeAfter extends HTMLElement {
  connectedCallback() {
    if (this.querySelector('input')) return
    const label = this.getAttribute('label')
    this.insertAdjacentHTML(
      'beforeend',
      `<input type="range" min="0" max="100" step="1" value="50" />
      <span class="handle" aria-hidden="true"></span>`,
    )
    const range = this.querySelector('input')
    range.setAttribute('aria-label', `${label}: where the original ends and the upscaled picture begins`)
    const move = () => {
      this.style.setProperty('--split', `${range.value}%`)
      range.setAttribute('aria-valuetext', `${Math.round(range.value)} % original`)
    }
    range.addEventListener('input', move)
    move()
  }
}
customElements.define('before-after', BeforeAfter)

/** Puts two addresses that a script got from its bundler into the slider with this id. */
export function fill(id, before, after) {
  const slider = document.getElementById(id)
  const label = slider.getAttribute('label')
  const image = (src, alt) => Object.assign(new Image(), { src, alt })
  slider.prepend(image(before, `${label}, original`), image(after, `${label}, upscaled`))
}

/** Writes the measured sizes under every slider and one row per tagged reference into the table. */
export async function measure() {
  const table = document.querySelector('tbody')
  for (const subject of document.querySelectorAll('[data-picture]')) {
    const [before, after] = await Promise.all(addresses(subject).map(sizeOf))
    const caption = subject.closest('figure')?.querySelector('.size')
    caption?.replaceChildren(line(`Original ${before}`), line(`Upscaled ${after} px`))
    const row = table.insertRow()
    for (const text of [subject.dataset.form, subject.dataset.picture, before, after])
      row.insertCell().textContent = text
  }
  document.body.dataset.measured = ''
}

function line(textContent) {
  return Object.assign(document.createElement('span'), { textContent })
}

/** The original's address and the upscaled one's. What is not a slider has its original in the slider of the same picture. */
function addresses(subject) {
  const slider = document.querySelector(`before-after[data-picture="${subject.dataset.picture}"]`)
  const [original, upscaled] = slider.children
  return [addressOf(original), addressOf(subject === slider ? upscaled : subject)]
}

function addressOf(element) {
  switch (element.localName) {
    case 'img':
      // The 2x candidate, also where this screen took the other one.
      return element.srcset.split(' ')[0] || element.currentSrc || element.src
    case 'picture':
      return element.querySelector('img').currentSrc
    case 'video':
      return element.poster
    case 'link':
      return element.href
    case 'meta':
      return new URL(element.content, document.baseURI).href
    default:
      // The first address of an image-set() is the one every current browser takes here.
      return /url\("(.*?)"\)/.exec(getComputedStyle(element).backgroundImage)[1]
  }
}

/** Natural size, read from the file itself: `naturalWidth` of an element may be corrected for its density. */
async function sizeOf(address) {
  const image = Object.assign(new Image(), { src: address })
  await image.decode()
  return `${image.naturalWidth} × ${image.naturalHeight}`
}
