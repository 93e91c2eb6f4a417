/** Where the server's lines go. Each is one line without keys, addresses of results or file names of clients. */
export interface Logger {
  info(line: string): void
  warn(line: string): void
  error(line: string): void
}

export const SILENT: Logger = { info() {}, warn() {}, error() {} }
