import sharp from 'sharp'
import type { Project } from '../cli/command.ts'

/** Draws `number` small pictures of which each has bytes of its own, up to 60: `in/0.png`, `in/1.png`, … */
export async function drawAll(project: Project, number: number): Promise<void> {
  for (let at = 0; at < number; at++) {
    const data = Uint8Array.from({ length: 24 * 16 * 3 }, (_, sample) => {
      const x = Math.floor(sample / 3) % 24
      return (x * 7 + (at % 60) + (sample % 3) * 3) % 256
    })
    const raw = { width: 24, height: 16, channels: 3 as const }
    await project.write(`in/${at}.png`, await sharp(data, { raw }).png().toBuffer())
  }
}
