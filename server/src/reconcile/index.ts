export { reconcileRoutes } from './routes.js';
export { checkSensors } from './sensor-checks.js';
