/** The database of the installation that belongs to this checkout (or SHAPARAK_HOME). */
import { readConfig } from '../config.js';
import { connectDirect, type Database, type DatabaseSettings, isUnavailable } from '../platform/postgres.js';
import { lockOwner } from '../supervisor/data-lock.js';
import { findInstallation, readInstallation } from '../supervisor/installation.js';
import { StartError } from '../supervisor/start-error.js';
import { readState, type SupervisorState } from '../supervisor/state.js';

/** What the last start of this installation wrote down. @throws StartError */
export function readRunning(env: NodeJS.ProcessEnv): SupervisorState {
  const { home } = readConfig(env);
  return readState(readInstallation(findInstallation(home)).data);
}

/** Opens one connection for `work`. @throws StartError where the database does not answer */
export async function withDatabase<T>(
  state: SupervisorState,
  login: 'owner' | 'query',
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const settings: DatabaseSettings = state.database[login];
  const database = connectDirect(settings, {
    max: 1,
    applicationName: 'shaparak command',
    timeZone: state.config.timeZone,
  });
  try {
    return await work(database);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    const stopped = state.database.embedded && lockOwner(state.folders.data) === null;
    throw new StartError(
      stopped
        ? 'Shaparak does not run, and its database with it; start it first with "npm start".'
        : 'The database does not answer; run "npx shaparak doctor" to see why.',
    );
  } finally {
    await database.end({ timeout: 2 });
  }
}
