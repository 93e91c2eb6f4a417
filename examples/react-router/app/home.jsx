import terrazzo from './terrazzo.png?upscale=2'

export default function Home() {
  return <img src={terrazzo} width={160} alt="Terrazzo" />
}
