export { hashPassword } from './passwords.js';
export { actorOf, createGuards, type Guards, identityRoutes } from './routes.js';
export { type Actor, findLiveSession } from './sessions.js';
export {
  addUser,
  ensureImportedUsers,
  listUsers,
  setDisabled,
  setPassword,
  usernamePattern,
} from './users.js';
