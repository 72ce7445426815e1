/**
 * Random numbers that are the same in every run: a benchmark must be able to make the same history again.
 * Math.random takes no seed, and a package for thirty lines would have to be pinned, listed and kept.
 */

/** sfc32: 128 bits of state, passes PractRand, and is as fast as Math.random. @param {number} seed */
export function createRandom(seed) {
  let [a, b, c, d] = [0x9e3779b9 ^ seed, 0x243f6a88, 0xb7e15162 ^ (seed >>> 3), 1];
  const bits = () => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let round = 0; round < 20; round += 1) bits();
  const unit = () => bits() / 4_294_967_296;
  const hex = () => bits().toString(16).padStart(8, '0');
  return {
    /** in [0, 1) */
    unit,
    /** in 0 … below - 1 */
    below: (limit) => Math.floor(unit() * limit),
    /** @template T @param {T[]} values @returns {T} */
    pick: (values) => values[Math.floor(unit() * values.length)],
    chance: (share) => unit() < share,
    /** standard normal (Box and Muller; the second value is thrown away, which keeps it without state) */
    normal: () => Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit()),
    hex,
    uuid: () => {
      const [first, second, third, fourth] = [hex(), hex(), hex(), hex()];
      return `${first}-${second.slice(0, 4)}-4${second.slice(5)}-9${third.slice(1, 4)}-${third.slice(4)}${fourth}`;
    },
  };
}

/** @typedef {ReturnType<typeof createRandom>} Random */
