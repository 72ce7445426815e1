/** `npm start`: set-up, then the supervisor in this same process, so that a signal has one owner. */
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { SetupError, stopCommands } from './command.mjs';
import { prepare } from './prepare.mjs';

export async function main() {
  const checkout = dirname(dirname(fileURLToPath(import.meta.url)));
  const interrupted = () => {
    stopCommands();
    process.stderr.write('\nStopped during the set-up; the next start goes on from here.\n');
    process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, interrupted);
  const watch = stopWithNpm(process.env);
  try {
    const { installation, file } = await prepare({ checkout, env: process.env, stream: process.stdout });
    // From where the services run: PostgreSQL's programs are found beside it, and they must be able to execute them.
    const { supervise } = await import(
      pathToFileURL(join(installation.runtime, 'server', 'dist', 'supervisor', 'index.js'))
    );
    for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, interrupted);
    process.exitCode = await supervise(process.env, { installationFile: file });
  } catch (error) {
    process.exitCode = explain(error);
  } finally {
    clearInterval(watch);
  }
}

/**
 * `kill` of npm ends npm and its shell and reaches nobody else (npm 11): then we have a new parent, and stop as if asked.
 * Started without npm, a parent may well go away before us.
 */
function stopWithNpm({ npm_lifecycle_event: script }) {
  if (script === undefined) return undefined;
  const parent = process.ppid;
  return setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
  }, 500).unref();
}

/** One sentence for what a person can mend; anything else is our fault and shows where. */
export function explain(error) {
  if (error instanceof SetupError) {
    if (error.detail !== '') process.stderr.write(`${error.detail}\n\n`);
    process.stderr.write(`${error.message}\n`);
  } else if (error?.code === 'ENOSPC') {
    process.stderr.write(`The disk is full (${error.path ?? 'while writing'}); free some space and start again.\n`);
  } else if (['EACCES', 'EPERM', 'EROFS'].includes(error?.code)) {
    process.stderr.write(
      `${error.path ?? 'A folder of the installation'} cannot be written (${error.code}); give it to this user, or set SHAPARAK_HOME to a folder that can be written.\n`,
    );
  } else process.stderr.write(`${error?.stack ?? error}\n`);
  return 1;
}
