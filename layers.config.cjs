/**
 * Which room may import which. The list of rooms is read from the folders, so a new room may import nothing but the
 * platform until it is allowed to here.
 */
const { readdirSync } = require('node:fs');
const { join } = require('node:path');

const rooms = readdirSync(join(__dirname, 'server/src'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

/** Besides the contract and the platform. */
const allowed = {
  platform: [],
  audit: [],
  identity: ['audit'],
  log: ['identity'],
  intake: ['log'],
  activity: ['log', 'identity'],
  reconcile: ['intake', 'log', 'identity'],
  wire: ['intake', 'log'],
  lab: ['identity', 'audit'],
  gateway: ['lab', 'intake', 'wire', 'identity', 'audit'],
  supervisor: ['identity'],
  cli: ['supervisor', 'identity', 'audit', 'log', 'lab', 'intake'],
};

const features = readdirSync(join(__dirname, 'portal/src/features'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

const roomRules = rooms.map((room) => ({
  name: `server/${room}`,
  severity: 'error',
  from: { path: `^server/src/${room}/` },
  to: {
    path: '^server/src/',
    pathNot: [
      ...[room, 'platform', ...(allowed[room] ?? [])].map((name) => `^server/src/${name}/`),
      // the operator's settings: a type for most rooms
      '^server/src/config\\.ts$',
    ],
  },
}));

const featureRules = features.map((feature) => ({
  name: `portal/features/${feature}`,
  severity: 'error',
  from: { path: `^portal/src/features/${feature}/` },
  to: { path: '^portal/src/(features|app)/', pathNot: `^portal/src/features/${feature}/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'contract-stands-alone',
      severity: 'error',
      from: { path: '^contract/' },
      to: { path: '^(server|portal)/' },
    },
    { name: 'portal-knows-no-server', severity: 'error', from: { path: '^portal/' }, to: { path: '^server/' } },
    { name: 'server-knows-no-portal', severity: 'error', from: { path: '^server/' }, to: { path: '^portal/' } },
    {
      name: 'portal-ui-knows-no-feature',
      severity: 'error',
      from: { path: '^portal/src/(ui|text|connection)/' },
      to: { path: '^portal/src/(features|app)/' },
    },
    ...roomRules,
    ...featureRules,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(\\.test\\.tsx?$|/dist/)' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.js'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'types'],
    },
  },
};
