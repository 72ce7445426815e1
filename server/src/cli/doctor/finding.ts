/** What a check of `doctor` says. */
import type { Config } from '../../config.js';
import type { Installation } from '../../supervisor/installation.js';
import type { Secrets } from '../../supervisor/secrets.js';
import type { SupervisorState } from '../../supervisor/state.js';

export interface Finding {
  check: string;
  /** `note`: could not be checked, or is as it may be */
  state: 'ok' | 'failed' | 'note';
  detail: string;
  /** what mends it; a command where there is one */
  remedy: string | null;
}

/** What later checks need from earlier ones. */
export interface Facts {
  config: Config;
  installation: Installation;
  state: SupervisorState;
  secrets: Secrets;
}

export const good = (check: string, detail: string): Finding => ({ check, state: 'ok', detail, remedy: null });
export const note = (check: string, detail: string, remedy: string | null = null): Finding => ({
  check,
  state: 'note',
  detail,
  remedy,
});
export const bad = (check: string, detail: string, remedy: string): Finding => ({
  check,
  state: 'failed',
  detail,
  remedy,
});

export const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
