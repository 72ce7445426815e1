/**
 * PostgreSQL's text holds no NUL and no lone surrogate, and code may hold both. They are escaped with a character that is
 * itself escaped, so that every JavaScript string comes back as it was (docs/reference/text.md).
 */
const introducer = '\uF7A5';
const unstorable = /[\0\uF7A5]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;
const escaped = /\uF7A5([0-9a-f]{4})/g;

export function toStored(text: string): string {
  return text.replace(unstorable, (unit) => introducer + unit.charCodeAt(0).toString(16).padStart(4, '0'));
}

export function fromStored(text: string): string {
  return text.replace(escaped, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** The first characters (code points, as SQL's LEFT counts them) of a stored text. */
export function previewOf(stored: string, length = 100): string {
  const text = fromStored(stored);
  if (text.length <= length) return text;
  // No character takes more than two units: the rest of a long text need not be taken apart.
  return Array.from(text.slice(0, 2 * length))
    .slice(0, length)
    .join('');
}

/** How many stored characters hold `length` characters at least: an escape takes five. */
export const storedLengthOf = (length: number) => length * 5;
