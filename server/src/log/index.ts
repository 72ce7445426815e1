export { makeMonthsAhead } from './months.js';
export { activityAfter, type ReadDependencies } from './recent.js';
export { redact } from './redact.js';
export { type ArchivedMonth, archiveMonth } from './retention/archive-month.js';
export { type ExpiredMonth, findExpiredMonths } from './retention/expired-months.js';
export { logRoutes } from './routes.js';
export { SearchIndexes } from './search/index.js';
export { fromStored } from './text.js';
export { type VerifiedRollups, verifyRollups } from './verify-rollups.js';
