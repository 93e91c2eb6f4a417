import { type Token, Tokenizer } from 'parse5'

/** More attributes than any tag has that somebody wrote. */
const MANY_ATTRIBUTES = 1000

/** Characters of a name that count. The rest is left out: of millions, each would be kept in thirty bytes until the name is asked for. */
const LONGEST_NAME = 4096

/** White space, `/`, `=`, `>`, and the end of the text. */
const ENDS_OF_NAMES: ReadonlySet<number> = new Set([9, 10, 12, 13, 32, 0x2f, 0x3d, 0x3e, -1])

/** Where an attribute stands in the text. */
interface Place {
  startOffset: number
  endOffset: number
}

/**
 * The tokenizer of HTML, in a time that grows with a tag as it does with a page. By itself it keeps an object whose keys are
 * the names of a tag's attributes, and looks each new one up among them; with a million, that takes ten times as long as all
 * else. From the thousandth attribute on, none is looked up: one that a tag has twice is told twice.
 */
export class PageTokenizer extends Tokenizer {
  /** False leaves the attributes of a tag from the thousandth on out. */
  keepsAll = true
  /** Whether it was told to pause, and can be told to go on. */
  get isPaused(): boolean {
    return this.paused
  }

  /** Of the present tag's attributes from the thousandth on. */
  private readonly places: Place[] = []
  /** Characters of the present attribute's name. */
  private leftOut = 0

  /** Where an attribute of the tag that was read last stands; undefined for one that has no place. */
  placeOf({ location }: Token.TagToken, index: number, name: string): Place | undefined {
    return index < MANY_ATTRIBUTES ? location?.attrs?.[name] : this.places[index - MANY_ATTRIBUTES]
  }

  protected override _stateTagName(sign: number): void {
    const { currentToken: tag } = this
    const isLong = tag !== null && 'tagName' in tag && tag.tagName.length >= LONGEST_NAME
    if (!isLong || ENDS_OF_NAMES.has(sign)) super._stateTagName(sign)
  }

  protected override _stateAttributeName(sign: number): void {
    const isLong = this.currentAttr.name.length >= LONGEST_NAME
    if (!isLong || ENDS_OF_NAMES.has(sign)) super._stateAttributeName(sign)
    else this.leftOut++
  }

  protected override _leaveAttrName(): void {
    const { currentToken: tag, currentAttr: attribute, leftOut } = this
    this.leftOut = 0
    if (tag === null || !('attrs' in tag) || tag.attrs.length < MANY_ATTRIBUTES) {
      super._leaveAttrName()
      return
    }
    if (!this.keepsAll) return
    if (tag.attrs.length === MANY_ATTRIBUTES) this.places.length = 0
    const { offset } = this.preprocessor
    this.places.push({ startOffset: offset - attribute.name.length - leftOut, endOffset: offset })
    tag.attrs.push(attribute)
  }

  protected override _leaveAttrValue(): void {
    super._leaveAttrValue()
    const { currentToken: tag, currentAttr: attribute } = this
    if (tag === null || !('attrs' in tag) || tag.attrs.length <= MANY_ATTRIBUTES) return
    const last = this.places.at(-1)
    if (last !== undefined && tag.attrs.at(-1) === attribute) last.endOffset = this.preprocessor.offset
  }
}
