export { LiveFeed } from './live.js';
export { activityRoutes } from './routes.js';
