// `npm run bench`. ES5 on purpose: an old Node must be able to read this file and say its one sentence.
require('../setup/machine.cjs').check();
import('./bench.mjs').then(({ main }) => main());
