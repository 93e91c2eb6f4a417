/* Runs in the page as one expression; see read-page.ts. */
;(async () => {
  const addressesOf = element => {
    const style = getComputedStyle(element)
    const attributes = ['src', 'poster', 'href', 'xlink:href', 'content', 'data']
    const srcsets = ['srcset', 'imagesrcset'].map(name => element.getAttribute(name) ?? '')
    const properties = ['backgroundImage', 'maskImage', 'listStyleImage', 'borderImageSource', 'cursor']
    return [
      ...attributes.map(name => element.getAttribute(name)),
      ...srcsets.flatMap(srcset =>
        [...srcset.matchAll(/[\s,]*(\S*[^\s,])(?:,|([^,]*))/g)].map(match => match[1]),
      ),
      ...properties.flatMap(name => [...style[name].matchAll(/url\("([^"]*)"\)/g)].map(match => match[1])),
    ].filter(address => address !== null)
  }

  const decode = async address => {
    const url = new URL(address, document.baseURI).href
    const image = new Image()
    image.src = url
    try {
      await image.decode()
    } catch {
      return { url, width: 0, height: 0, left: [0, 0, 0], right: [0, 0, 0] }
    }
    const canvas = document.createElement('canvas')
    canvas.width = image.naturalWidth
    canvas.height = image.naturalHeight
    const context = canvas.getContext('2d')
    context.drawImage(image, 0, 0)
    const colourAt = part => {
      const x = Math.floor(canvas.width * part)
      return [...context.getImageData(x, Math.floor(canvas.height / 2), 1, 1).data.slice(0, 3)]
    }
    return { url, width: canvas.width, height: canvas.height, left: colourAt(0.25), right: colourAt(0.75) }
  }

  const seen = {}
  for (const element of document.querySelectorAll('[data-form]')) {
    seen[element.dataset.form] = await Promise.all(addressesOf(element).map(decode))
  }
  return seen
})()
