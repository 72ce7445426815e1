import { toStored } from '../log/text.js';

/** jsonb refuses NUL and lone surrogates even as JSON escapes, so they are escaped inside the strings. */
export const storedJson = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (typeof part === 'string' ? toStored(part) : part));
