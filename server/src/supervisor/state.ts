/**
 * What a running supervisor tells the command line: the operator's shell may lack the settings that `npm start` was given.
 * Kept after the end, so that `doctor` can say what is missing; only the supervisor's own uid can read it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.js';
import type { DatabaseSettings } from '../platform/postgres.js';
import { errorCode } from '../platform/postgres.js';
import type { Folders } from './folders.js';
import type { IsolationKind } from './isolation/isolation.js';
import { writePrivateFile } from './secrets.js';
import { StartError } from './start-error.js';

export interface SupervisorState {
  config: Config;
  folders: Folders;
  isolation: IsolationKind;
  hubSocket: string;
  database: {
    embedded: boolean;
    owner: DatabaseSettings;
    /** reads code_execution_logs and nothing else */
    query: DatabaseSettings;
  };
}

const fileIn = (data: string) => join(data, 'settings', 'supervisor.json');

export function writeState(state: SupervisorState): void {
  const config = { ...state.config, testUserPassword: null, adminPassword: null };
  writePrivateFile(fileIn(state.folders.data), JSON.stringify({ ...state, config }));
}

/** @throws StartError where nothing was ever started, or by another user */
export function readState(data: string): SupervisorState {
  try {
    return JSON.parse(readFileSync(fileIn(data), 'utf8'));
  } catch (error) {
    if (errorCode(error) === 'EACCES')
      throw new StartError(
        'This installation belongs to another user; run the command as the one that runs "npm start".',
      );
    throw new StartError('Shaparak was not started here yet; start it first with "npm start".');
  }
}
