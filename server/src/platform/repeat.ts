import type { Logger } from './logging.js';

/** Runs a job again and again, `pauseMs` after its last end; a failure is logged and the next round comes all the same. */
export function repeat(
  name: string,
  pauseMs: number,
  job: () => Promise<unknown>,
  log: Logger,
): { close(): Promise<void> } {
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> = Promise.resolve();
  const run = () => {
    round = job()
      .then(
        () => {},
        (error: unknown) => log.warn({ err: error, job: name }, 'A background job failed; it runs again'),
      )
      .then(() => {
        if (!closed) timer = setTimeout(run, pauseMs);
      });
  };
  timer = setTimeout(run, pauseMs);
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await round;
    },
  };
}
