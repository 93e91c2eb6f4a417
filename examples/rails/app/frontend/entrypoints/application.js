// What only a template names is made part of the build here.
import.meta.glob('../images/*.png', { query: '?upscale=2', eager: true })
