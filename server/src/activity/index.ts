export type { ActivityDependencies } from './dashboard.js';
export { LiveFeed } from './live.js';
export { activityRoutes } from './routes.js';
