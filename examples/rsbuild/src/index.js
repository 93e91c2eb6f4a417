import 'example-page/page.css'
import './index.css'
import chart from './pictures/chart.png?upscale=2&as=metadata'
import dunes from './pictures/dunes.jpg'
import dunesSrcset from './pictures/dunes.jpg?upscale=2&as=srcset'

const logo = new URL('./pictures/logo.png?upscale=2', import.meta.url).href

document.getElementById('root').innerHTML = `
  <header>
    <img src="${logo}" width="300" height="90" alt="upscale" />
  </header>
  <main>
    <h1>Small pictures in Rsbuild, twice the size.</h1>
    <p class="lead">Tagged in imports, in a URL and in a style sheet.</p>
    <div class="cards">
      <figure>
        <img src="${dunes}" srcset="${dunesSrcset}" width="300" height="200" alt="Dunes" />
        <figcaption>An import that is a whole srcset</figcaption>
      </figure>
      <figure>
        <img src="${chart.src}" width="${chart.width / 2}" height="${chart.height / 2}" alt="A chart" />
        <figcaption>An import with its size</figcaption>
      </figure>
      <figure>
        <div class="pattern" role="img" aria-label="A pattern"></div>
        <figcaption>A background in a style sheet</figcaption>
      </figure>
    </div>
  </main>`
