/** How deep a JSON text is and how much it holds, found before it is parsed: what is costly to parse is cheap to refuse. */

export interface JsonLimits {
  /** Objects and arrays inside each other. */
  readonly maxDepth: number;
  /** Values, of which an empty object or array counts as two. */
  readonly maxValues: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Which limit `text` goes over, or null. One pass, which ends at the limit. It does not tell whether the text is JSON:
 * of what is none, it says something that harms nobody, for the parser refuses it.
 */
export function exceededLimit(text: string, { maxDepth, maxValues }: JsonLimits): keyof JsonLimits | null {
  let depth = 0;
  let values = 1;
  for (let index = 0; index < text.length; index++) {
    switch (text.charCodeAt(index)) {
      case QUOTE:
        index = endOfString(text, index);
        break;
      case COMMA:
        if (++values > maxValues) return 'maxValues';
        break;
      case OPEN_BRACKET:
      case OPEN_BRACE:
        if (++depth > maxDepth) return 'maxDepth';
        if (++values > maxValues) return 'maxValues';
        break;
      case CLOSE_BRACKET:
      case CLOSE_BRACE:
        depth--;
        break;
    }
  }
  return null;
}

/** The index of the quote that ends the string which begins at `start`. The search for it is native where nothing is escaped. */
function endOfString(text: string, start: number): number {
  let index = text.indexOf('"', start + 1);
  if (index === -1) return text.length;
  if (text.charCodeAt(index - 1) !== BACKSLASH) return index;
  index = start + 1;
  while (index < text.length) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) return index;
    index += code === BACKSLASH ? 2 : 1;
  }
  return index;
}
