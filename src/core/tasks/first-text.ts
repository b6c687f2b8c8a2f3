/** The first text of a message, found in the beginning of its JSON text, without parsing what may be megabytes. */

const PARTS = '"parts":[';
/** In valid JSON, `"text":"` with bare quotes is the key of a text and nothing else. */
const TEXT = /"text":"((?:[^"\\]|\\.)*)/s;

/**
 * @param json Parley's own text of a message, or of something that has one message in it, possibly cut off.
 * @param maxChars of the answer, in UTF-16 code units.
 * @returns the beginning of the text; empty where the beginning of the message has none.
 */
export function firstText(json: string, maxChars: number): string {
  const start = json.indexOf(PARTS);
  if (start === -1) return '';
  const [, escaped = ''] = TEXT.exec(json.slice(start + PARTS.length)) ?? [];
  return beginningOf(unescaped(escaped), maxChars);
}

/** The text cut between characters. */
export function beginningOf(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const last = text.charCodeAt(maxChars - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? maxChars - 1 : maxChars);
}

function unescaped(escaped: string): string {
  // Cut off inside of an escape such as \u00e9: at most six characters are not whole.
  for (let drop = 0; drop <= 6 && drop <= escaped.length; drop++) {
    try {
      const text: unknown = JSON.parse(`"${escaped.slice(0, escaped.length - drop)}"`);
      return typeof text === 'string' ? text : '';
    } catch {
      // One character less.
    }
  }
  return '';
}
