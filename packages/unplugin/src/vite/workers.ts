import type { Plugin, PluginOption } from 'vite'

/**
 * Adds plugins to the bundles of workers, for which Vite asks a function of their own, unless the project did so itself.
 * @param plugins called for every worker
 */
export function workersToo(plugins: () => Plugin[]): Pick<Plugin, 'config'> {
  return {
    config(config) {
      const theirs = config.worker?.plugins
      config.worker = { ...config.worker, plugins: () => [joined(theirs?.() ?? [], plugins())] }
    },
  }
}

async function joined(theirs: PluginOption, ours: Plugin[]): Promise<Plugin[]> {
  const known = await flatten(theirs)
  return known.some(({ name }) => name === 'upscale') ? known : [...ours, ...known]
}

async function flatten(option: PluginOption): Promise<Plugin[]> {
  const plugin = await option
  if (Array.isArray(plugin)) return (await Promise.all(plugin.map(flatten))).flat()
  return plugin ? [plugin] : []
}
