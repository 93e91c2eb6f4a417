import address from './terrazzo.png?upscale=2'
import facts from './terrazzo.png?upscale=2&as=metadata'

export const gallery = () => `<img src="${address}" width="${facts.width / 2}" alt="Terrazzo">`
