/** Splits a text into its statements at semicolons, but not at those inside quotes, dollar quotes and comments. */
export interface Statement {
  sql: string;
  /** characters of the text before it, for positions in error messages */
  offset: number;
}

/** The things inside which a semicolon means nothing, each with its end. */
const shelters =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\$([A-Za-z_][A-Za-z0-9_]*)?\$[\s\S]*?\$\1\$|;/g;

export function splitStatements(text: string): Statement[] {
  const statements: Statement[] = [];
  let start = 0;
  const cut = (end: number) => {
    const piece = text.slice(start, end);
    const code = piece.replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, '').trim();
    const leading = piece.length - piece.trimStart().length;
    if (code !== '') statements.push({ sql: piece.trim(), offset: [...text.slice(0, start + leading)].length });
    start = end + 1;
  };
  for (const match of text.matchAll(shelters)) if (match[0] === ';') cut(match.index);
  cut(text.length);
  return statements;
}
