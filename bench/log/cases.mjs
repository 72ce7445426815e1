/**
 * The reads that the specified endpoints make: how the API is asked, what of our server answers it, what the specified
 * table is asked instead, and what of both answers must be equal.
 */
import { product } from '../system.mjs';
import { ourInstant, pick, theirInstant } from './equality.mjs';

export const pageSize = 20;
const activityFields = ['id', 'cell_number', 'code', 'execution_time_ms', 'status', 'error_message'];
const logFields = ['id', 'cell_number', 'code_preview', 'execution_time_ms', 'status', 'error_preview'];
const resultFields = ['id', 'cell_number', 'code', 'execution_time_ms', 'status'];

const ourRow = (fields) => (row) => ({ ...pick(row, fields), timestamp: ourInstant(row.timestamp) });
const theirRow = (fields) => (row) => ({ ...pick(row, fields), timestamp: theirInstant(row.timestamp) });

export const searchAnswer = {
  ours: (answer) => answer.results.map(ourRow(resultFields)),
  theirs: (rows) => rows.map(theirRow(resultFields)),
};

/**
 * @typedef {'heavy' | 'light' | 'all'} Who
 * @typedef {object} ReadCase
 * @property {string} name
 * @property {Who[]} users
 * @property {(person: Person) => string} path
 * @property {(reads: Reads, person: Person) => Promise<unknown>} read our server's part without HTTP
 * @property {(queries: ReturnType<typeof import('../seed_plain/queries.mjs').seedQueries>, person: Person) => Promise<any>} seed
 * @property {(answer: any) => unknown} ours what of our answer must be equal
 * @property {(answer: any) => unknown} theirs what of the peer's must be
 * @typedef {{id: number, username: string, depth: number, cursor: string}} Person
 */

/** @type {ReadCase[]} */
export const readCases = [
  {
    name: 'dashboard',
    users: ['heavy', 'light'],
    path: () => '/api/dashboard',
    read: (reads, person) => reads.dashboard(person),
    seed: (queries, person) => queries.dashboard(person.username),
    ours: ({ stats }) => ({
      ...pick(stats, ['total_executions', 'today_executions', 'total_errors', 'success_rate', 'avg_execution_time_ms']),
      last: ourInstant(stats.last_execution),
    }),
    theirs: ([{ last_execution: last, ...stats }]) => ({ ...stats, last: theirInstant(last) }),
  },
  {
    name: 'recent',
    users: ['heavy', 'light'],
    path: () => '/api/activity/recent?limit=10',
    read: (reads, person) => reads.recent(person, 10),
    seed: (queries, person) => queries.recent(person.username, 10),
    ours: ({ activities }) => activities.map(ourRow(activityFields)),
    theirs: (rows) => rows.map(theirRow(activityFields)),
  },
  ...[7, 30, 365].map((days) => ({
    name: `stats-${days}`,
    users: ['heavy', 'light'],
    path: () => `/api/activity/stats?days=${days}`,
    read: (reads, person) => reads.stats(person, days),
    seed: (queries, person) => queries.stats(person.username, days),
    // The specified statement knows no days without an execution.
    ours: (answer) => answer.daily_stats.filter(({ executions }) => executions > 0),
    theirs: (rows) => [...rows],
  })),
  logsCase('logs-first', {
    path: () => `/api/logs?limit=${pageSize}`,
    input: () => ({ limit: pageSize, offset: 0 }),
    offset: () => 0,
  }),
  logsCase('logs-deep', {
    path: ({ depth }) => `/api/logs?limit=${pageSize}&offset=${depth}`,
    input: ({ depth }) => ({ limit: pageSize, offset: depth }),
    offset: ({ depth }) => depth,
  }),
  logsCase('logs-cursor', {
    // The page after the deep one; the specified API has nothing but an offset for it.
    path: ({ cursor }) => `/api/logs?limit=${pageSize}&cursor=${cursor}`,
    input: ({ cursor }) => ({ limit: pageSize, offset: 0, cursor }),
    offset: ({ depth }) => depth + pageSize,
  }),
  {
    name: 'all-users',
    users: ['all'],
    path: () => '/api/admin/all-users-activity',
    read: (reads) => reads.allUsers(),
    seed: (queries) => queries.allUsers(),
    // The specified statement knows nobody who has run nothing.
    ours: ({ users_activity: users }) =>
      users
        .filter((user) => user.total_executions > 0)
        .map(({ last_active: last, role, disabled, ...numbers }) => ({ ...numbers, last: ourInstant(last) })),
    theirs: (rows) => rows.map(({ last_active: last, ...numbers }) => ({ ...numbers, last: theirInstant(last) })),
  },
  {
    name: 'system-stats',
    users: ['all'],
    path: () => '/api/admin/system-stats',
    read: (reads) => reads.systemStats(),
    seed: (queries) => queries.systemStats(),
    ours: ({ recent_errors: errors, ...numbers }) => ({ ...numbers, errors: errors.map(ourRow(errorFields)) }),
    theirs: ({ recent_errors: errors, top_users: top, ...numbers }) => ({
      ...numbers,
      top_users: [...top],
      errors: errors.map(theirRow(errorFields)),
    }),
  },
];
const errorFields = ['username', 'code_preview', 'error'];

/** @returns {ReadCase} */
function logsCase(name, { path, input, offset }) {
  return {
    name,
    users: ['heavy', 'light'],
    path,
    read: (reads, person) => reads.logs(person, input(person)),
    seed: (queries, person) => queries.logs(person.username, pageSize, offset(person)),
    ours: ({ logs }) => logs.map(ourRow(logFields)),
    theirs: (rows) => rows.map(theirRow(logFields)),
  };
}

/**
 * What our server's endpoints call, over a pool as the portal has it: the part of a request that is neither HTTP nor the
 * check of a token, which the specified statements lack as well.
 */
export async function openReads({ installation }, { timeZone, connectPortal }) {
  const load = (path) => product(installation, path);
  const { readAllUsersActivity, readSystemStats } = await load('activity/admin.js');
  const { readDashboard } = await load('activity/dashboard.js');
  const { readDailyStats } = await load('activity/stats.js');
  const { readLogs } = await load('log/logs.js');
  const { recentActivity } = await load('log/recent.js');
  const { createInstantFormat } = await load('platform/clock.js');
  const deps = { database: await connectPortal(), timeZone, formatInstant: createInstantFormat(timeZone) };
  const actor = ({ id, username }) => ({ userId: id, username, role: 'analyst' });
  return {
    dashboard: (person) => readDashboard(deps, actor(person)),
    recent: (person, limit) => recentActivity(deps, actor(person), limit),
    stats: (person, days) => readDailyStats(deps, actor(person), days),
    logs: (person, input) => readLogs(deps, actor(person), input),
    allUsers: () => readAllUsersActivity(deps),
    systemStats: () => readSystemStats(deps),
  };
}
