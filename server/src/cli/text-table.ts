/** Tables as psql prints them: centred headers, numbers to the right, values of several lines marked with +. */
export interface Column {
  header: string;
  right: boolean;
}

export function textTable(columns: Column[], rows: Array<Array<string | null>>): string {
  const cells = rows.map((row) => row.map((value) => (value ?? '').split('\n').map(printable)));
  const widths = columns.map(({ header }, index) =>
    Math.max(displayWidth(header), ...cells.flatMap((row) => (row[index] ?? []).map(displayWidth))),
  );
  const lines = [
    join(columns.map(({ header }, index) => ` ${centre(header, widths[index] ?? 0)} `)),
    widths.map((width) => '-'.repeat(width + 2)).join('+'),
    ...cells.flatMap((row) => rowLines(row, columns, widths)),
  ];
  return `${lines.join('\n')}\n(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})\n`;
}

function rowLines(row: string[][], columns: Column[], widths: number[]): string[] {
  const height = Math.max(1, ...row.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    join(
      row.map((lines, index) => {
        const text = lines[line] ?? '';
        const blank = ' '.repeat(Math.max(0, (widths[index] ?? 0) - displayWidth(text)));
        const more = line < lines.length - 1 ? '+' : ' ';
        return columns[index]?.right ? ` ${blank}${text}${more}` : ` ${text}${blank}${more}`;
      }),
    ),
  );
}

const join = (parts: string[]) => parts.join('|').trimEnd();

function centre(text: string, width: number): string {
  const blank = Math.max(0, width - displayWidth(text));
  return ' '.repeat(Math.floor(blank / 2)) + text + ' '.repeat(Math.ceil(blank / 2));
}

/** A control character from the log must not steer the operator's terminal. */
function printable(text: string): string {
  return text
    .replaceAll('\t', '    ')
    .replace(/\p{Cc}/gu, (sign) => `\\x${(sign.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`);
}

const segments = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Columns on a terminal: joined signs count once, the zero-width non-joiner of Persian not at all, wide signs twice. */
export function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segments.segment(text)) {
    if (/^[\p{Mn}\p{Me}\p{Cf}]+$/u.test(segment)) continue;
    width +=
      /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/u.test(
        segment,
      )
        ? 2
        : 1;
  }
  return width;
}
