/** Who works here, and how much: few do most of it. */

const firstNames =
  'ali amir arash aria babak bahar behnam dara darius elham farhad farid fatemeh golnaz hamid hana hasan kaveh kian laleh leila mahsa maryam mehdi mina mohsen nader nasrin navid negar niloofar omid parisa parsa pouya reza roya saba sahar sara';
const lastNames =
  'abbasi ahmadi akbari amini azizi bagheri darvish ebrahimi farahani ghasemi hashemi heidari jafari karimi kazemi mirzaei moradi mousavi nazari rahimi rezaei sadeghi salehi shirazi tehrani vaziri';

/** Of Zipf's law; with 1,000 people the busiest one has a tenth of all executions. */
const exponent = 0.914;

/** @returns {string[]} user names, all different */
export function userNames(count) {
  const [first, last] = [firstNames.split(' '), lastNames.split(' ')];
  return Array.from({ length: count }, (_, index) => {
    const round = Math.floor(index / (first.length * last.length));
    const name = `${first[index % first.length]}.${last[Math.floor(index / first.length) % last.length]}`;
    return round === 0 ? name : `${name}${round}`;
  });
}

/** @returns {number[]} executions of each person, busiest first; at least one each, and exactly `total` together */
export function zipfShares(people, total) {
  const weights = Array.from({ length: people }, (_, rank) => (rank + 1) ** -exponent);
  return apportion(weights, total, 1);
}

/**
 * Whole numbers in proportion to the weights that add up to `total` (largest remainders).
 * @param {number[]} weights @param {number} total @param {number} [least]
 */
export function apportion(weights, total, least = 0) {
  const sum = weights.reduce((all, one) => all + one, 0);
  const exact = weights.map((weight) => least + (weight / sum) * (total - least * weights.length));
  const whole = exact.map(Math.floor);
  const missing = total - whole.reduce((all, one) => all + one, 0);
  const byRemainder = exact.map((value, index) => ({ index, rest: value - Math.floor(value) }));
  byRemainder.sort((a, b) => b.rest - a.rest || a.index - b.index);
  for (const { index } of byRemainder.slice(0, missing)) whole[index] += 1;
  return whole;
}
