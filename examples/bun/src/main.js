import terrazzo from './terrazzo.png?upscale=2&as=metadata'

Object.assign(document.querySelector('#imported'), { src: terrazzo.src, width: terrazzo.width / 2 })
