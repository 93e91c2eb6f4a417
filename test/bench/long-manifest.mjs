import { createHash } from 'node:crypto'

/** The text of a `manifest.json` that lists so many paid answers. */
export function longManifest(lines) {
  const digest = text => createHash('sha256').update(text).digest('hex')
  const texts = Array.from({ length: lines }, (_, number) => {
    const line = {
      sha256: digest(`answer ${number}`),
      ...{ engine: 'lumenfall', model: 'ideogram-upscale', width: 96, height: 64 },
      source: `photos/set/picture-${number}.png`,
    }
    return `,"${digest(`key ${number}`)}": ${JSON.stringify(line)}\n`
  })
  return `{"manifest": 1\n${texts.sort().join('')}}\n`
}
