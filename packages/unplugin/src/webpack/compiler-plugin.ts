/**
 * A plugin that fits webpack's own type and Rspack's, in each of their versions: a project may hold several, and Docusaurus
 * takes Rspack's plugins in a configuration of webpack's type. A type and no interface, which would want an index signature.
 */
export type CompilerPlugin = {
  /** @param compiler webpack's or Rspack's, as the entry says @throws Error for that of the other */
  readonly apply: (compiler: object) => void
}
