import { createFileRoute } from '@tanstack/react-router'
import terrazzo from '../terrazzo.png?upscale=2'

export const Route = createFileRoute('/')({
  component: () => <img src={terrazzo} width={160} alt="Terrazzo" />,
})
