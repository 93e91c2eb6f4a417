import { isUtf8 } from 'node:buffer'
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { UpscaleError } from 'upscale-core'
import { safeText } from 'upscale-core/internal'
import { countLines, pathOf } from 'upscale-toolkit/references'
import { findOutputReferences } from 'upscale-toolkit/references/output'
import { type Scan, scanCssInRounds, scanHtmlInRounds } from 'upscale-toolkit/references/scan'
import { createSite, isInSite, type Site } from 'upscale-toolkit/references/site'
import { findReferences, type RuledPictures } from 'upscale-toolkit/references/sources'
import type { RuledImage, UpscaleRule } from 'upscale-toolkit/rules'
import { eachOf, forEach } from '../files/each.ts'
import { shownPath } from '../files/operands.ts'
import { placeText, sweepLeftovers } from '../files/place.ts'
import { walk } from '../files/walk.ts'
import { createProgress } from '../progress.ts'
import type { Session } from '../session.ts'
import type { HtmlFlags } from './flags.ts'
import { createPagePictures, type Page, type PagePictures } from './pictures.ts'
import { type ChangedDigest, changedDigests, digestsIn, renewPolicy } from './policy.ts'
import { finishHtml, type Leftover } from './summary.ts'

/** Makes the pictures of a site and rewrites its pages. Returns the exit code. */
export async function rewriteSite(folder: string, flags: HtmlFlags, session: Session): Promise<number> {
  const { upscaler, print, stopping } = session
  const site = await openSite(folder, flags)
  if (flags.dryRun !== true) await sweepLeftovers(site.folder)
  const pictures = createPagePictures(site, upscaler, resolve(site.folder, flags.assets ?? '.'), flags)
  const rules = rulesOf(flags) ?? session.config.rules
  const findRuled = ruledBy({ rules, factor: upscaler.options.factor }, site)
  const pages = await findPages(site, findRuled, pictures)
  const progress = createProgress(print, upscaler)
  progress.total = pictures.all.length
  session.foresee(() => eachOf(pictures.all))
  await forEach(eachOf(pictures.all), upscaler.options.concurrency + 2, stopping, async picture => {
    const name = shownPath(picture.file, process.cwd())
    const end = progress.begin(name)
    await pictures.fill(picture)
    const made = picture.image
    const text = made === undefined ? undefined : `${name}  ${made.width} × ${made.height}  ${made.origin}`
    const isCached = made?.origin === 'cache'
    end(isCached ? 'cached' : 'worked', isCached ? undefined : text)
  })
  const rewritten: string[] = []
  const digests: ChangedDigest[] = []
  // What was made before Ctrl-C is kept in the cache; pages are changed only as a whole.
  for (const page of flags.dryRun === true || stopping.aborted ? [] : pages) {
    if (await rewritePage(page, pictures, findRuled, digests)) rewritten.push(page.file)
  }
  await renewIntegrities(site, rewritten)
  for (const notice of digests.length === 0 ? [] : await policiesElsewhere(site, digests)) print.note(notice)
  const leftovers = [...(await findLeftovers(site)), ...(await leftInPages(site, pages))]
  for (const { file, line, address } of leftovers) {
    print.note(
      `notice: ${shownPath(file, process.cwd())}:${line} mentions "${safeText(address)}", which stays as it is`,
    )
  }
  return finishHtml(
    { pages, rewritten, pictures, leftovers, report: upscaler.report(), dryRun: flags.dryRun === true },
    print,
  )
}

async function openSite(folder: string, flags: HtmlFlags): Promise<Site> {
  const path = resolve(folder)
  const found = await stat(path).catch(() => undefined)
  if (!found?.isDirectory()) {
    throw new UpscaleError('SOURCE_NOT_FOUND', 'there is no such folder', {
      hint: 'name the folder that your site generator writes',
      file: folder,
    })
  }
  const site = createSite(path, flags.base)
  if (flags.assets !== undefined && !isInSite(resolve(path, flags.assets), site)) {
    throw new UpscaleError('BAD_OPTION', `--assets ${flags.assets} is not a folder of the site`, {
      hint: 'write it relative to the site, like --assets assets/images',
    })
  }
  return site
}

/** What the flags choose; undefined when they choose nothing, so that the config decides. */
function rulesOf({ auto, autoFiles, autoShown }: HtmlFlags): UpscaleRule[] | undefined {
  if (auto === undefined && autoFiles === undefined && autoShown === undefined) return undefined
  return [
    {
      ...(auto === undefined ? {} : { within: auto }),
      ...(autoFiles === undefined ? {} : { files: autoFiles }),
      ...(autoShown === true ? { shown: true } : {}),
    },
  ]
}

/** Every page that has something to change, with the pictures it makes. */
async function findPages(site: Site, findRuled: FindRuled, pictures: PagePictures): Promise<Page[]> {
  const pages: Page[] = []
  const wanted = { skip: new Set<string>(), wants: (name: string) => /\.(?:x?html?|css|svg)$/i.test(name) }
  for await (const { file } of walk([{ kind: 'folder', path: site.folder }], wanted)) {
    const { text } = await readText(file)
    const scan = await scanText(file, text, await findRuled(text, file))
    if (scan.references.length > 0) pages.push(pictures.add(file, scan))
  }
  return pages
}

/** The images of a page that rules choose. */
type FindRuled = (text: string, file: string) => Promise<readonly RuledImage[]>

function ruledBy({ rules, factor }: RuledPictures, site: Site): FindRuled {
  return async (text, file) => {
    if (rules.length === 0 || !/\.x?html?$/i.test(file)) return []
    const { findRuledImages } = await import('upscale-toolkit/rules')
    const fileOf = (address: string, base: string | undefined): string | undefined =>
      site.fileOf(pathOf(address), file, base)
    return findRuledImages(text, rules, { file, root: site.folder, factor, fileOf })
  }
}

/** @param digests is given what a policy may list and has changed */
async function rewritePage(
  page: Page,
  pictures: PagePictures,
  findRuled: FindRuled,
  digests: ChangedDigest[],
): Promise<boolean> {
  const { text, encode } = await readText(page.file)
  const scan = await scanText(page.file, text, await findRuled(text, page.file))
  let index = 0
  const answers = new Map(scan.references.map(reference => [reference, page.references[index++]]))
  const changed = scan.rewrite(found => {
    const reference = answers.get(found)
    // A page that was changed by somebody else since it was looked at keeps what it has now.
    return reference?.address === found.address ? pictures.answer(reference, page) : undefined
  })
  if (changed === text) return false
  const isPage = !/\.css$/i.test(page.file)
  const mine = isPage && /<style|\b(?:style|on[a-z]+)\s*=/i.test(text) ? changedDigests(text, changed) : []
  // One by one: as arguments of one call, a hundred thousand overflow the stack.
  for (const digest of mine) digests.push(digest)
  await placeText(encode(mine.length === 0 ? changed : renewPolicy(changed, mine)), page.file)
  return true
}

/** What to write in files that say what a server sends with pages: they may be for other pages too, so they are not touched. */
async function policiesElsewhere(site: Site, digests: readonly ChangedDigest[]): Promise<string[]> {
  const notices: string[] = []
  const rules = { skip: new Set<string>(), wants: (name: string) => SERVER_FILE.test(name) }
  for await (const { file } of walk([{ kind: 'folder', path: site.folder }], rules)) {
    const text = await readFile(file, 'utf8')
    const lineOf = countLines(text)
    const listed = digestsIn(text)
    for (const { before, after } of digests) {
      const found = listed.get(before)
      if (found === undefined || listed.has(after)) continue
      const place = `${shownPath(file, process.cwd())}:${lineOf(found.start)}`
      notices.push(
        `notice: ${place} lists '${found.written}', of a text that was rewritten; add '${after}' behind it`,
      )
    }
  }
  return notices
}

/** Where static hosts and servers read headers from. */
const SERVER_FILE =
  /^(?:_headers|\.htaccess|web\.config|(?:vercel|serve|firebase|staticwebapp\.config)\.json|netlify\.toml|.*\.conf)$/i

/** Pages that name the digest of a style sheet which was rewritten name its new one. */
async function renewIntegrities(site: Site, rewritten: string[]): Promise<void> {
  const sheets = new Map<string, Uint8Array>()
  for (const file of rewritten.filter(name => /\.css$/i.test(name))) sheets.set(file, await readFile(file))
  if (sheets.size === 0) return
  const { renewIntegrity } = await import('./integrity.ts')
  const rules = { skip: new Set<string>(), wants: (name: string) => /\.x?html?$/i.test(name) }
  for await (const { file } of walk([{ kind: 'folder', path: site.folder }], rules)) {
    const { text, encode } = await readText(file)
    const { base } = await scanText(file, text)
    const changed = renewIntegrity(text, address => sheets.get(site.fileOf(address, file, base) ?? ''))
    if (changed === text) continue
    await placeText(encode(changed), file)
    if (!rewritten.includes(file)) rewritten.push(file)
  }
}

function scanText(file: string, text: string, ruled: readonly RuledImage[] = []): Promise<Scan> {
  return /\.css$/i.test(file) ? scanCssInRounds(text) : scanHtmlInRounds(text, ruled)
}

/** Scripts, feeds and manifests: an address there may be prose as well, so it is told and not touched. */
async function findLeftovers(site: Site): Promise<Leftover[]> {
  const found: Leftover[] = []
  const rules = { skip: new Set<string>(), wants: (name: string) => OTHER_TEXT.test(name) }
  for await (const { file, name } of walk([{ kind: 'folder', path: site.folder }], rules)) {
    const references = findReferences(name, await readFile(file, 'utf8'))
    for (const { address, line } of references) found.push({ file, line, address })
  }
  return found
}

/** What stays tagged in pages and has no error of its own: in scripts, and in texts that may be something else. */
async function leftInPages(site: Site, pages: readonly Page[]): Promise<Leftover[]> {
  const handled = new Map(pages.map(({ file, references }) => [file, references]))
  const found: Leftover[] = []
  const rules = { skip: new Set<string>(), wants: (name: string) => /\.(?:x?html?|svg)$/i.test(name) }
  for await (const { file, name } of walk([{ kind: 'folder', path: site.folder }], rules)) {
    const { text } = await readText(file)
    const lineOf = countLines(text)
    const answered = new Set(
      (handled.get(file) ?? [])
        .filter(({ pictures, error }) => pictures.length > 0 || error !== undefined)
        .map(({ address }) => address),
    )
    const left = await findOutputReferences(name, text, { ownPrefixes: [], isKnown: () => false })
    for (const { reference, start } of left) {
      if (!answered.has(reference)) found.push({ file, line: lineOf(start), address: reference })
    }
  }
  return found
}

const OTHER_TEXT = /\.(?:[cm]?js|json|webmanifest|xml|rss|atom|txt|md)$/i

/**
 * A text and the way back to bytes. UTF-16 is told by its byte order mark; what else is not UTF-8 is taken byte by byte, so
 * that it comes out as it was.
 */
async function readText(file: string): Promise<{ readonly text: string; encode(text: string): Uint8Array }> {
  const bytes = await readFile(file)
  const isBigEndian = bytes[0] === 0xfe && bytes[1] === 0xff
  const isWide = isBigEndian || (bytes[0] === 0xff && bytes[1] === 0xfe)
  if (isWide && bytes.length % 2 === 0) {
    const swap = (pairs: Buffer): Buffer => (isBigEndian ? pairs.swap16() : pairs)
    const encode = (changed: string): Buffer => swap(Buffer.from(`\ufeff${changed}`, 'utf16le'))
    return { text: swap(bytes).toString('utf16le').slice(1), encode }
  }
  const encoding = isUtf8(bytes) ? 'utf8' : 'latin1'
  const text = bytes.toString(encoding)
  const mark = text.startsWith('\ufeff') ? '\ufeff' : ''
  return { text: text.slice(mark.length), encode: changed => Buffer.from(mark + changed, encoding) }
}
