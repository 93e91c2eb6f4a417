// Pictures that only Blade names are part of the build as well: Vite::asset('resources/images/terrazzo.png?upscale=2')
import.meta.glob('../images/*.png', { query: '?upscale=2', eager: true })
