import { styleText } from 'node:util'
import type { Connect, ResolvedConfig, ViteDevServer } from 'vite'
import type { BuildOptions } from '../../options.ts'
import type { DevSession } from '../dev/session.ts'
import type { InspectorServer } from './server.ts'

/** Where the inspector is, below the base of the site. */
const PLACE = '__upscale'

/** A small square, and an arrow away from it. */
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='%23888'%3E%3Crect x='3' y='15' width='6' height='6' rx='1'/%3E%3Cpath d='M11 3h10v10h-3V8.1l-5.4 5.4-2.1-2.1L15.9 6H11z'/%3E%3C/svg%3E"

/** A page about the project's pictures in Vite's dev server. */
export interface ViteInspector {
  readonly middleware: Connect.NextHandleFunction
  close(): Promise<void>
}

/** Nothing of it is loaded before somebody opens the page. */
export function createViteInspector(
  options: BuildOptions,
  session: DevSession,
  server: ViteDevServer,
): ViteInspector {
  let opened: Promise<InspectorServer> | undefined
  return {
    middleware(request, response, next) {
      const path = pathBelow(request.url ?? '', server.config.base)
      if (path === undefined) return next()
      opened ??= import('./server.ts').then(({ createInspectorServer }) =>
        createInspectorServer(options, session, server),
      )
      opened.then(inspector => inspector.answer(path, request, response)).catch(next)
    },
    async close() {
      await (await opened)?.close()
    },
  }
}

/** What a plugin has for Vite DevTools, as far as it is used here; `@vitejs/devtools-kit` has all of it. */
interface DevtoolsOfPlugin {
  setup(context: {
    readonly docks: {
      register(dock: {
        readonly type: 'iframe'
        readonly id: string
        readonly title: string
        readonly description: string
        readonly icon: string
        readonly url: string
      }): unknown
    }
    readonly viteConfig: Pick<ResolvedConfig, 'base'>
  }): void
}

/** Shows the inspector in Vite DevTools, where a project has them; nothing else reads it. */
export const inspectorDock: { readonly devtools: DevtoolsOfPlugin } = {
  devtools: {
    setup({ docks, viteConfig }) {
      docks.register({
        type: 'iframe',
        id: 'upscale',
        title: 'Upscale',
        description: 'Tagged pictures, before and after',
        icon: ICON,
        url: `${viteConfig.base}${PLACE}/`,
      })
    },
  },
}

/** Has Vite print the address of the inspector with the server's own. */
export function announceInspector(server: ViteDevServer): void {
  const printUrls = server.printUrls.bind(server)
  server.printUrls = () => {
    printUrls()
    const { local = [], network = [] } = server.resolvedUrls ?? {}
    const [address] = [...local, ...network]
    if (address === undefined) return
    const paint = (format: Parameters<typeof styleText>[0], text: string): string =>
      process.stdout.isTTY && !process.env.NO_COLOR ? styleText(format, text) : text
    const label = `${paint('green', '➜')}  ${paint('bold', 'Upscale')}:`
    server.config.logger.info(`  ${label} ${paint('cyan', `${address}${PLACE}/`)}`)
  }
}

/** What stands behind the inspector's place in an address, with its query; undefined for an address of something else. */
function pathBelow(url: string, base: string): string | undefined {
  // In middleware mode a parent may have taken the base away already.
  const path = url.startsWith(base) ? url.slice(base.length) : url.slice(1)
  const isBelow = path === PLACE || path.startsWith(`${PLACE}/`) || path.startsWith(`${PLACE}?`)
  return isBelow ? path.slice(PLACE.length) : undefined
}
