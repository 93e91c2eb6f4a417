import Image from 'next/image'
import styles from './page.module.css'
import chart from './pictures/chart.png?upscale=2'
import dunes from './pictures/dunes.jpg?upscale=2'
import logo from './pictures/logo.png'
import logoSrcset from './pictures/logo.png?upscale=2&as=srcset'

export default function Page() {
  return (
    <>
      <header>
        <img src={logo.src} srcSet={logoSrcset} width={300} height={90} alt="upscale" />
      </header>
      <main>
        <h1>Small pictures in Next.js, twice the size.</h1>
        <p className="lead">Imports are objects here, as Next’s component wants them.</p>
        <div className="cards">
          <figure>
            <Image src={dunes} width={300} height={200} placeholder="blur" alt="Dunes" />
            <figcaption>For an Image, blurred until it is there</figcaption>
          </figure>
          <figure>
            <Image src={chart} width={400} height={260} unoptimized alt="A chart" />
            <figcaption>For an Image that stays as it is</figcaption>
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
