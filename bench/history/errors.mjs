/** How executions end. 5 % fail, with the names that Python gives and messages as it words them. */

export const errorShare = 0.05;

/** name, how often (weights), message */
const errors = [
  ['NameError', 22, (r) => `name 'df_${r.below(100)}' is not defined`],
  ['KeyError', 16, (r) => `'amount_${r.below(100)}'`],
  ['TypeError', 12, () => "unsupported operand type(s) for +: 'int' and 'str'"],
  ['ValueError', 11, (r) => `could not convert string to float: '${r.below(1_000)},${r.below(1_000)}'`],
  ['AttributeError', 8, () => "'DataFrame' object has no attribute 'append'"],
  ['SyntaxError', 7, (r) => `invalid syntax (cell, line ${1 + r.below(40)})`],
  ['FileNotFoundError', 5, (r) => `[Errno 2] No such file or directory: 'data/settlement_${r.below(10_000)}.csv'`],
  ['ModuleNotFoundError', 4, () => "No module named 'xgboost'"],
  ['IndexError', 4, () => 'list index out of range'],
  ['ZeroDivisionError', 3, () => 'division by zero'],
  ['IndentationError', 2, (r) => `unexpected indent (cell, line ${1 + r.below(40)})`],
  ['ImportError', 1, () => "cannot import name 'train_test_split'"],
  ['AssertionError', 1, (r) => `${r.below(1_000_000)} rows`],
  ['UnicodeDecodeError', 1, () => "'utf-8' codec can't decode byte 0xcf in position 10: invalid continuation byte"],
  ['MemoryError', 1, (r) => `Unable to allocate ${1 + r.below(60)} GiB for an array`],
  ['RecursionError', 1, () => 'maximum recursion depth exceeded'],
  ['StopIteration', 0.5, () => ''],
  ['KeyboardInterrupt', 3, () => ''],
];
const total = errors.reduce((sum, [, weight]) => sum + weight, 0);

/** @param {import('./random.mjs').Random} r @returns {{outcome: string, name: string | null, message: string | null}} */
export function drawOutcome(r) {
  if (!r.chance(errorShare)) return { outcome: 'success', name: null, message: null };
  let point = r.unit() * total;
  const [name, , message] = errors.find(([, weight]) => {
    point -= weight;
    return point < 0;
  });
  return { outcome: name === 'KeyboardInterrupt' ? 'interrupted' : 'error', name, message: `${name}: ${message(r)}` };
}

/** Most cells take milliseconds and few take minutes. @param {import('./random.mjs').Random} r */
export const drawMilliseconds = (r) => Math.min(3_600_000, Math.round(Math.exp(4.2 + 1.7 * r.normal())));
