export * as api from './api.js';
export * as capture from './observation.js';
export { type ProblemCode, problems } from './problems.js';
