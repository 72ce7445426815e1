import { highlightCode, tagHighlighter, tags } from '@lezer/highlight';
import { parser } from '@lezer/python';

/** A piece of one line with the class of its colour (see code-view.module.css). */
export interface Token {
  text: string;
  kind: string;
}

const highlighter = tagHighlighter([
  { tag: tags.keyword, class: 'keyword' },
  { tag: [tags.bool, tags.null, tags.self], class: 'constant' },
  { tag: [tags.string, tags.special(tags.string)], class: 'string' },
  { tag: tags.number, class: 'number' },
  { tag: tags.comment, class: 'comment' },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], class: 'call' },
  { tag: [tags.definition(tags.variableName), tags.className], class: 'definition' },
  { tag: [tags.operator, tags.meta], class: 'operator' },
]);

/** Python source as lines of coloured tokens; the tokens of a line together are exactly that line. */
export function highlightPython(code: string): Token[][] {
  const lines: Token[][] = [[]];
  highlightCode(
    code,
    parser.parse(code),
    highlighter,
    (text, kind) => lines.at(-1)?.push({ text, kind }),
    () => lines.push([]),
  );
  return lines;
}
