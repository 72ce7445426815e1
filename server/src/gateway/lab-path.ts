/**
 * Reads the request target of a browser into segments that mean the same to every program behind the gateway, or refuses
 * it. Tornado matches its routes on the undecoded path and decodes what a route captured; a path that another reader
 * could take for something else (dot segments, doubled or encoded slashes, matrix parameters, double encoding) is no path.
 */
export interface LabPath {
  /** undecoded, for matching the fixed parts of a route */
  raw: readonly string[];
  /** decoded once, for what a route captures */
  decoded: readonly string[];
  query: URLSearchParams;
}

const longest = 4096;
// RFC 3986 pchar without ";" (matrix parameters), or an escaped byte.
const segmentText = /^(?:[A-Za-z0-9\-._~!$&'()*+,=:@]|%[0-9A-Fa-f]{2})+$/;
const queryText = /^[\x21\x23-\x5b\x5d-\x7e]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
const ambiguous = /[\\/\x00-\x1f\x7f]|%(?:2f|5c|2e|00|25)/i;

/** The path of an origin-form request target, or null where it is not canonical. */
export function readLabPath(target: string): LabPath | null {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? '' : target.slice(mark + 1);
  if (target.length > longest || !path.startsWith('/') || !queryText.test(query)) return null;
  const raw = path.slice(1).split('/');
  const decoded: string[] = [];
  for (const segment of raw) {
    const text = readSegment(segment);
    if (text === null) return null;
    decoded.push(text);
  }
  return { raw, decoded, query: new URLSearchParams(query) };
}

function readSegment(segment: string): string | null {
  if (!segmentText.test(segment)) return null;
  try {
    const text = decodeURIComponent(segment);
    return text === '.' || text === '..' || ambiguous.test(text) ? null : text;
  } catch {
    return null; // not UTF-8
  }
}
