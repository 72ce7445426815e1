/** The installation can't start; `message` is one sentence that says what to do. */
export class StartError extends Error {
  override name = 'StartError';
}

/** Errors whose message alone is for the operator: no stack. */
const plain = new Set(['StartError', 'ConfigError', 'EmbeddedPostgresError', 'MigrationError']);

/** What the operator reads: the sentence of an expected failure, everything of an unexpected one. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (plain.has(error.name)) return error.message;
  if ('code' in error && error.code === 'ENOSPC')
    return `The disk is full (${'path' in error ? String(error.path) : 'while writing'}); free some space and start again.`;
  return error.stack ?? error.message;
}
