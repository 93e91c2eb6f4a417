import 'example-page/page.css'
import './style.css'
import { fill, measure } from 'example-page/page.js'
import posterOriginal from './pictures/poster.png'
import poster from './pictures/poster.png?upscale=2'

fill('poster', posterOriginal, poster)

const logoOriginal = new URL('./pictures/logo.png', import.meta.url).href
const logo = new URL('./pictures/logo.png?upscale=2', import.meta.url).href
fill('logo', logoOriginal, logo)

async function fillScene(name) {
  const original = await import(`./pictures/scenes/${name}`)
  const upscaled = await import(`./pictures/scenes/${name}?upscale=2`)
  fill(name.split('.')[0], original.default, upscaled.default)
}

async function fillIcon() {
  const original = await import('./pictures/icon.png')
  const upscaled = await import('./pictures/icon.png?upscale=2')
  fill('icon', original.default, upscaled.default)
}

Promise.all([fillScene('dunes.jpg'), fillScene('night.webp'), fillIcon()]).then(measure)
