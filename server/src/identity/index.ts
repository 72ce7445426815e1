export { hashPassword } from './passwords.js';
export { actorOf, createGuards, type Guards, identityRoutes } from './routes.js';
export { type Actor, authenticate, findLiveSession } from './sessions.js';
export {
  addUser,
  ensureFirstUsers,
  ensureImportedUsers,
  listUsers,
  type NewUser,
  setDisabled,
  setPassword,
  type User,
  usernamePattern,
} from './users.js';
