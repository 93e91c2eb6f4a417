import { type Token, Tokenizer } from 'parse5'

/** More attributes than any tag has that somebody wrote. */
export const MANY_ATTRIBUTES = 1000

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
  /** Of the present tag's attributes from the thousandth on. */
  private readonly places: Place[] = []

  /** Where an attribute of the tag that was read last stands; undefined for one that has no place. */
  placeOf({ location }: Token.TagToken, index: number, name: string): Place | undefined {
    return index < MANY_ATTRIBUTES ? location?.attrs?.[name] : this.places[index - MANY_ATTRIBUTES]
  }

  protected override _leaveAttrName(): void {
    const { currentToken: tag, currentAttr: attribute } = this
    if (tag === null || !('attrs' in tag) || tag.attrs.length < MANY_ATTRIBUTES) {
      super._leaveAttrName()
      return
    }
    if (tag.attrs.length === MANY_ATTRIBUTES) this.places.length = 0
    const { offset } = this.preprocessor
    this.places.push({ startOffset: offset - attribute.name.length, endOffset: offset })
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
