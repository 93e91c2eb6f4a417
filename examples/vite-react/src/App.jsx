import styles from './App.module.css'
import chart from './pictures/chart.png?upscale=2&as=metadata'
import dunes from './pictures/dunes.jpg'
import dunesSrcset from './pictures/dunes.jpg?upscale=2&as=srcset'
import logo from './pictures/logo.png?upscale=2'

export function App() {
  return (
    <>
      <header>
        <img src={logo} width={300} height={90} alt="upscale" />
      </header>
      <main>
        <h1>Small pictures in React, twice the size.</h1>
        <p className="lead">Imported by a component and by its CSS module.</p>
        <div className="cards">
          <figure>
            <img src={dunes} srcSet={dunesSrcset} width={300} height={200} alt="Dunes" />
            <figcaption>An import that is a whole srcset</figcaption>
          </figure>
          <figure>
            <img src={chart.src} width={chart.width / 2} height={chart.height / 2} alt="A chart" />
            <figcaption>An import with its size</figcaption>
          </figure>
          <figure>
            <div className={styles.pattern} role="img" aria-label="A pattern" />
            <figcaption>A background in a CSS module</figcaption>
          </figure>
        </div>
      </main>
    </>
  )
}
