/**
 * The characters that the search takes for equal (ي/ی, ك/ک, Persian, Arabic and Latin digits, upper and lower case),
 * folded one to one, so that positions in the folded text are positions in the text.
 */
function foldUnit(unit: string): string {
  if (unit === 'ي') return 'ی';
  if (unit === 'ك') return 'ک';
  const code = unit.charCodeAt(0);
  if (code >= 0x660 && code <= 0x669) return String(code - 0x660);
  if (code >= 0x6f0 && code <= 0x6f9) return String(code - 0x6f0);
  const lower = unit.toLowerCase();
  return lower.length === 1 ? lower : unit;
}

function fold(text: string) {
  let folded = '';
  for (let index = 0; index < text.length; index += 1) folded += foldUnit(text.charAt(index));
  return folded;
}

/** Where `query` occurs in `text`, as [from, to) pairs. */
export function findMatches(text: string, query: string): [number, number][] {
  const needle = fold(query);
  if (!needle) return [];
  const hay = fold(text);
  const found: [number, number][] = [];
  for (let at = hay.indexOf(needle); at !== -1; at = hay.indexOf(needle, at + needle.length)) {
    found.push([at, at + needle.length]);
  }
  return found;
}
