/** A stretch of text, or one character that would deceive the reader if it stayed invisible. */
export type Stretch = { text: string; invisible: string | null };

// bidi controls (the "Trojan Source" set), zero-width and format characters, tags, and control characters but \t \n \r
const SUSPECT =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is looked for
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu;
const PERSIAN_LETTER = /[\u0620-\u064a\u066e-\u06d3\u06d5\u06fa-\u06ff]/;
const JOINERS = new Set(['\u200c', '\u200d']);

/**
 * Cuts a text so that each hidden character stands alone, under its code point. A joiner between Persian letters is
 * ordinary spelling («می‌شود») and stays as it is; anywhere else it is as suspect as the others.
 */
export function splitInvisible(text: string): Stretch[] {
  const stretches: Stretch[] = [];
  let from = 0;
  for (const found of text.matchAll(SUSPECT)) {
    const [character] = found;
    if (JOINERS.has(character) && isBetweenLetters(text, found.index)) continue;
    if (found.index > from) stretches.push({ text: text.slice(from, found.index), invisible: null });
    stretches.push({ text: character, invisible: codePoint(character) });
    from = found.index + character.length;
  }
  if (from < text.length) stretches.push({ text: text.slice(from), invisible: null });
  return stretches;
}

function isBetweenLetters(text: string, index: number) {
  return PERSIAN_LETTER.test(text[index - 1] ?? '') && PERSIAN_LETTER.test(text[index + 1] ?? '');
}

function codePoint(character: string) {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}
