import { describe, expect, it } from 'vitest';
import { splitInvisible } from './invisible-characters';

const named = (text: string) => splitInvisible(text).flatMap(({ invisible }) => invisible ?? []);

describe('invisible characters', () => {
  it('of the Trojan Source kind stand out', () => {
    expect(splitInvisible('a\u202eb\u2066')).toEqual([
      { text: 'a', invisible: null },
      { text: '\u202e', invisible: 'U+202E' },
      { text: 'b', invisible: null },
      { text: '\u2066', invisible: 'U+2066' },
    ]);
  });

  it.each(['\u200b', '\u061c', '\ufeff', '\u0000', '\u001b', '\u00ad', '\u{e0041}'])('%j is seen', (character) => {
    expect(named(`x${character}y`).length).toBe(1);
  });

  it('that are ordinary Persian spelling stay silent, and only there', () => {
    expect(named('می\u200cشود')).toEqual([]);
    expect(named('user\u200cname')).toEqual(['U+200C']);
    expect(named('می\u200c')).toEqual(['U+200C']);
  });

  it('do not include line ends and tabs', () => {
    expect(named('a\tb\r\nc')).toEqual([]);
  });
});
