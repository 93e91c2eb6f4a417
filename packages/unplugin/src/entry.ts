/** What an entry of a bundler exports: the function, which has itself as `default` as well. */
export type Entry<Plugin> = Plugin & { readonly default: Plugin }

/**
 * Makes an entry. It is exported as `default`, and as `module.exports`, which is what `require()` gives in Node; compilers
 * that make `require()` of an import look for `default` in it.
 */
export function entryOf<Plugin extends (...args: never[]) => unknown>(plugin: Plugin): Entry<Plugin> {
  return Object.assign(plugin, { default: plugin })
}
