import { describe, expect, it } from 'vitest';
import { splitStatements } from './sql-statements.js';
import { displayWidth, textTable } from './text-table.js';

describe('statements', () => {
  it.each([
    ['select 1', ['select 1']],
    ['select 1; select 2;', ['select 1', 'select 2']],
    ["select ';' ; select 'it''s;'", ["select ';'", "select 'it''s;'"]],
    ['select ";" from t; -- a; b\nselect 2', ['select ";" from t', '-- a; b\nselect 2']],
    ['/* ; */ select 1', ['/* ; */ select 1']],
    ['select $$a;b$$; select $x$ $$;$$ $x$', ['select $$a;b$$', 'select $x$ $$;$$ $x$']],
    [' ;; -- nothing\n ; ', []],
    ["select 'open; select 2", ["select 'open", 'select 2']],
  ])('of %j', (text, expected) => {
    expect(splitStatements(text).map(({ sql }) => sql)).toEqual(expected);
  });

  it('know where they began', () => {
    expect(splitStatements('select 1;\n  select 2').map(({ offset }) => offset)).toEqual([0, 12]);
  });
});

describe('tables', () => {
  it('look as psql prints them', () => {
    const columns = [
      { header: 'n', right: true },
      { header: 'code', right: false },
    ];
    expect(
      textTable(columns, [
        ['1', 'a\nbc'],
        ['20', null],
      ]),
    ).toBe([' n  | code', '----+------', '  1 | a   +', '    | bc', ' 20 |', '(2 rows)', ''].join('\n'));
    expect(textTable(columns, [['1', 'x']])).toContain('(1 row)\n');
  });

  it.each([
    ['سلام', 4],
    ['می\u200cشود', 5],
    ['✅ ok', 5],
    ['e\u0301', 1],
  ])('count %s as %i columns', (text, width) => expect(displayWidth(text)).toBe(width));

  it('show control characters instead of obeying them', () => {
    expect(textTable([{ header: 'a', right: false }], [['\u001b[2J']])).toContain('\\x1b[2J');
  });
});
