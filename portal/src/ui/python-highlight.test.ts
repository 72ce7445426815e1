import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { highlightPython } from './python-highlight';

const textOf = (code: string) =>
  highlightPython(code)
    .map((line) => line.map((token) => token.text).join(''))
    .join('\n');
const kindOf = (code: string, text: string) =>
  highlightPython(code)
    .flat()
    .find((token) => token.text === text)?.kind;

describe('highlighting', () => {
  it('changes no character, whatever is not Python', () => {
    const source = fc.array(
      fc.constantFrom('def ', '"""', "f'{", '%magic', '!ls', '\n', ' ', '1', 'می‌شود', '(', '\\', '#'),
    );
    fc.assert(fc.property(source, (pieces) => textOf(pieces.join('')) === pieces.join('')));
  });

  it('knows the parts of a cell', () => {
    const code = "import pandas as pd\ndf = pd.read_csv('data.csv')  # خواندن";
    expect(kindOf(code, 'import')).toBe('keyword');
    expect(kindOf(code, "'data.csv'")).toBe('string');
    expect(kindOf(code, '# خواندن')).toBe('comment');
    expect(kindOf(code, 'read_csv')).toBe('call');
  });
});
