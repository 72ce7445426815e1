import type { Clock } from '../platform/clock.js';
import type { Database } from '../platform/postgres.js';

/** What every part of the intake works with. */
export interface IntakeDependencies {
  database: Database;
  clock: Clock;
  timeZone: string;
}
