import { Parser, html as standard, type Token } from 'parse5'
import type { Htmlparser2TreeAdapterMap } from 'parse5-htmlparser2-tree-adapter'
import { PageTokenizer } from '../references/page-tokenizer.ts'
import type { Steps } from '../references/steps.ts'

/**
 * The levels of a page's tree. Browsers nest no deeper either: what would lie deeper stands beside what it lies in. So a
 * look at the ancestors of an element is short, whatever the page is.
 */
export const DEEPEST = 512

const { TAG_ID: TAG, NS } = standard

/** Elements without an end, and those whose text is read in a way of its own. */
const ALONE: ReadonlySet<number> = new Set([
  ...[TAG.AREA, TAG.BASE, TAG.BR, TAG.COL, TAG.EMBED, TAG.HR, TAG.IMG, TAG.INPUT, TAG.LINK, TAG.META],
  ...[TAG.SOURCE, TAG.TRACK, TAG.WBR, TAG.IMAGE],
])
const WITH_TEXT: ReadonlySet<number> = new Set([
  ...[TAG.TEXTAREA, TAG.TITLE, TAG.PLAINTEXT, TAG.SCRIPT, TAG.STYLE, TAG.IFRAME, TAG.XMP, TAG.NOEMBED],
  ...[TAG.NOFRAMES],
])

/** How many tags are read between two pauses. */
const AT_A_TIME = 1000

/**
 * The parser of HTML for pages of any kind. By itself it keeps a note of each element that is open; of a million tags that
 * nothing closes, these take more time and memory than all else. Here no more are open than a tree has levels: one that
 * would lie deeper is put down and counts as closed, and its end says nothing.
 */
export class PageParser extends Parser<Htmlparser2TreeAdapterMap> {
  /** Ends that say nothing, by their names. */
  private readonly endsToCome = new Map<string, number>()

  private tags = 0

  /** A page as a tree, with the places of its tags. */
  static *read(
    html: string,
    treeAdapter: Parser<Htmlparser2TreeAdapterMap>['treeAdapter'],
  ): Steps<Parser<Htmlparser2TreeAdapterMap>['document']> {
    const parser = new PageParser({ scriptingEnabled: false, sourceCodeLocationInfo: true, treeAdapter })
    const tokenizer = new PageTokenizer(parser.options, parser)
    tokenizer.keepsAll = false
    parser.tokenizer = tokenizer
    tokenizer.write(html, true)
    while (tokenizer.isPaused) {
      yield undefined
      tokenizer.resume()
    }
    return parser.document
  }

  override onStartTag(token: Token.TagToken): void {
    if (++this.tags % AT_A_TIME === 0) this.tokenizer.pause()
    // The innermost level is for what is put down; the elements on the stack have those from the second on.
    const isFull = this.openElements.stackTop >= DEEPEST - 2
    if (!isFull || WITH_TEXT.has(token.tagID)) {
      super.onStartTag(token)
      return
    }
    this.skipNextNewLine = false
    this.currentToken = token
    if (token.tagID === TAG.IMAGE) token.tagName = standard.TAG_NAMES.IMG
    this._appendElement(token, NS.HTML)
    if (ALONE.has(token.tagID)) return
    this.endsToCome.set(token.tagName, (this.endsToCome.get(token.tagName) ?? 0) + 1)
  }

  override onEndTag(token: Token.TagToken): void {
    const count = this.endsToCome.get(token.tagName)
    if (count === undefined) super.onEndTag(token)
    else if (count > 1) this.endsToCome.set(token.tagName, count - 1)
    else this.endsToCome.delete(token.tagName)
  }

  /** Of the places of tags, those of images are asked for, and no other one has to be put together. */
  override _attachElementToTree(
    ...[element, location, where]: Parameters<Parser<Htmlparser2TreeAdapterMap>['_attachElementToTree']>
  ): void {
    super._attachElementToTree(element, element.name === 'img' ? location : null, where)
  }
}
