// Loaded only by a Node that knows import(); an old one has ended in machine.cjs.
module.exports = (name) => import(`./${name}.mjs`).then(({ main }) => main());
