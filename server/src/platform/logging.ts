import { type Logger, pino } from 'pino';

export type { Logger };

/** JSON lines on standard output; never cell code, tokens, passwords or query strings. */
export function createLogger(name: string, level = 'info'): Logger {
  return pino({ name, level, base: { name, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime });
}
