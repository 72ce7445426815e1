/**
 * Code cells of the shape that people's notebooks have. Lengths follow the quantiles of 26,728 distinct cells of public
 * notebooks; the lines are made here, because a corpus would have to be downloaded or carried along with its licences.
 *
 * What must hold: one person's cells are all different. Long ones carry a serial number that no earlier cell of the
 * person has; short ones come from so small a world that the person's `short` map knows them all. So no set of
 * everything ever written has to be kept, and memory stays the same for any length of history.
 */

/** share of cells → length in characters that they stay below */
const lengthQuantiles = [
  [0, 4],
  [0.1, 26],
  [0.5, 138],
  [0.9, 672],
  [0.99, 1_966],
  [1, 6_000],
];
/** Shorter cells say too little to carry a serial number. */
export const shortLength = 40;

const columns = 'amount,card_hash,terminal_id,acquirer,issuer,city,status,fee,settled_at,merchant,channel,hour'.split(
  ',',
);
const frames = 'df,tx,orders,daily,terminals,fees,joined,sample,report,settled'.split(',');
const models = 'LinearRegression,RandomForestClassifier,KMeans,LogisticRegression,GradientBoostingRegressor'.split(',');
const persian = [
  'محاسبه کارمزد تراکنش‌ها',
  'گزارش روزانه پایانه‌های فروش',
  'بررسی خطاهای تسویه',
  'محاسبه میانگین مبلغ',
  'نمودار تراکنش‌های ۱۴۰۴',
  'حذف ردیف‌های تکراری',
];

/** Everything that depends on chance takes (r: Random, n: the cell's serial number). */
const lines = [
  (r, n) => `${r.pick(frames)} = pd.read_csv('data/settlement_${n}.csv', parse_dates=['settled_at'])`,
  (r) => `${r.pick(frames)}['${r.pick(columns)}'] = ${r.pick(frames)}['${r.pick(columns)}'].fillna(${r.below(100)})`,
  (r) => `${r.pick(frames)} = ${r.pick(frames)}[${r.pick(frames)}['${r.pick(columns)}'] > ${r.below(10_000)}]`,
  (r) => `print(${r.pick(frames)}.groupby('${r.pick(columns)}')['${r.pick(columns)}'].sum().head(${r.below(50)}))`,
  (r) => `${r.pick(frames)}.sort_values('${r.pick(columns)}', ascending=False).head(${r.below(50)})`,
  (r) => `ax = ${r.pick(frames)}['${r.pick(columns)}'].plot(kind='hist', bins=${r.below(100)})`,
  (r) => `plt.title('${r.pick(columns)} by ${r.pick(columns)}'); plt.show()`,
  (r) => `result = ${r.pick(frames)}.merge(${r.pick(frames)}, on='${r.pick(columns)}', how='left')`,
  (r, n) => `rows_${n} = db.query("SELECT ${r.pick(columns)}, count(*) FROM transactions GROUP BY 1")`,
  (r) => `for ${r.pick(columns)} in sorted(set(result['${r.pick(columns)}'])):`,
  (r) => `    total_${r.pick(columns)} += int(row['${r.pick(columns)}']) * ${r.below(1_000)}`,
  (r) => `    if row['${r.pick(columns)}'] != '${r.hex()}':`,
  () => '        continue',
  (r, n) => `def clean_${r.pick(columns)}_${n}(frame, limit=${r.below(500)}):`,
  (r) => `    """Keeps rows whose ${r.pick(columns)} is below the limit."""`,
  (r) => `    return frame.query('${r.pick(columns)} < ${r.below(100_000)} and ${r.pick(columns)} == @limit')`,
  (r) => `assert len(${r.pick(frames)}) == ${r.below(1_000_000)}, f"{len(${r.pick(frames)}):,} rows"`,
  (r) => `x_train, x_test = train_test_split(features, test_size=0.${1 + r.below(4)}, random_state=${r.below(100)})`,
  (r) => `model = ${r.pick(models)}().fit(x_train, y_train)`,
  (r) => `w = np.linalg.lstsq(a.T @ a + ${r.below(100)} * np.eye(a.shape[1]), a.T @ b, rcond=None)[0]`,
  (r) => `# ${r.pick(columns)}: ${r.pick(columns)} of the last ${r.below(90)} days`,
  () => '',
  (r) => `%time ${r.pick(frames)}.describe()`,
];
const persianLine = (r) => `# ${r.pick(persian)} ${r.below(1_000)}`;
/** Half of the words that are searched for stand in few cells, so they must not depend on one line alone. */
const seldomLines = [
  (r) => `import xgboost as xgb; booster = xgb.train({'max_depth': ${r.below(12)}}, matrix)`,
  (r) => `reconciled = reconcile_batches(${r.pick(frames)}, tolerance=${r.below(100)})`,
];
const firstLines = [
  () => 'import pandas as pd',
  () => 'import numpy as np',
  () => 'import matplotlib.pyplot as plt',
  () => 'from sklearn.model_selection import train_test_split',
];
const shortCells = [
  (r) => r.pick(frames),
  (r) => `${r.pick(frames)}.head()`,
  (r) => `len(${r.pick(frames)})`,
  (r) => `${r.pick(frames)}.shape`,
  (r) => `${r.pick(frames)}.dtypes`,
  (r) => `x = ${r.below(50)}`,
  (r) => `print(x + ${r.below(50)})`,
  () => '1 / 0',
  () => 'plt.show()',
  (r) => `${r.pick(frames)}['${r.pick(columns)}'].mean()`,
  (r) => `del ${r.pick(frames)}`,
];

/** @param {import('./random.mjs').Random} r */
function drawLength(r) {
  const share = r.unit();
  const upper = lengthQuantiles.findIndex(([limit]) => share < limit);
  const [[low, from], [high, to]] = [lengthQuantiles[upper - 1], lengthQuantiles[upper]];
  const part = (share - low) / (high - low);
  return Math.round(Math.exp(Math.log(from) + part * (Math.log(to) - Math.log(from))));
}

/** A cell that its author has not written before. `serial` is used by long ones. @param {import('./random.mjs').Random} r */
export function newCell(r, serial) {
  const length = drawLength(r);
  if (length < shortLength) return shortCell(r, length);
  const text = [r.chance(0.12) ? r.pick(firstLines)() : `# step ${serial}`];
  if (r.chance(0.05)) text.push(persianLine(r));
  if (r.chance(0.004)) text.push(r.pick(seldomLines)(r));
  if (!text[0].endsWith(serial)) text.push(`step_${serial} = '${r.pick(columns)}'`);
  let size = text.join('\n').length;
  // A few tries to fill what is left: lines are long beside the shorter cells.
  for (let tries = 4; tries > 0 && size < length; ) {
    const line = r.pick(lines)(r, serial);
    if (size + line.length * 0.6 > length) tries -= 1;
    else {
      text.push(line);
      size += line.length + 1;
    }
  }
  return text.join('\n');
}

function shortCell(r, length) {
  let text = r.pick(shortCells)(r);
  if (text.length < length * 0.6) text += `\n${r.pick(shortCells)(r)}`;
  return text.slice(0, shortLength - 1);
}

/** What somebody made of an earlier cell; a part of it says that it is new. @param {import('./random.mjs').Random} r */
export function editedCell(r, text, serial) {
  const parts = text.split('\n');
  // Edits lengthen more often than they shorten; without this, cells that are edited again and again would only grow.
  if (parts.length > 3 && r.chance(0.7)) parts.splice(r.below(parts.length), 1);
  const place = r.below(parts.length);
  switch (r.below(4)) {
    case 0:
      parts[place] = `${parts[place]}  # ${serial}`;
      break;
    case 1:
      parts.splice(place, 1, `limit_${serial} = ${r.below(1_000)}`);
      break;
    case 2:
      parts.push(`print(${r.pick(frames)}.head(), ${serial})`);
      break;
    default:
      parts.splice(place, 0, `${r.chance(0.2) ? persianLine(r) : `# try ${r.pick(columns)}`} ${serial}`);
  }
  return parts.join('\n');
}
