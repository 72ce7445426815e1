/**
 * Entry of every process: `main.js supervise`, and what the supervisor starts: `main.js portal|gateway --settings FILE`.
 * A child stops when it is told to (SIGTERM) and when its parent is gone.
 */
import { parseArgs } from 'node:util';
import { startPortal } from './compose.js';
import { startGateway } from './gateway/index.js';
import { createLogger, type Logger } from './platform/logging.js';
import { type GatewaySettings, type PortalSettings, readSettings } from './platform/settings.js';
import { supervise } from './supervisor/index.js';

const stopPatienceMs = 10_000;

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { settings: { type: 'string' }, installation: { type: 'string' } },
  });
  const [role] = positionals;
  if (role === 'supervise') {
    process.exitCode = await supervise(
      process.env,
      values.installation === undefined ? {} : { installationFile: values.installation },
    );
    return;
  }
  if ((role !== 'portal' && role !== 'gateway') || values.settings === undefined) {
    process.stderr.write('Usage: main.js supervise | portal --settings FILE | gateway --settings FILE\n');
    process.exitCode = 2;
    return;
  }
  const log = createLogger(role);
  const running =
    role === 'portal'
      ? await startPortal(readSettings<PortalSettings>(values.settings), log)
      : await startGateway(readSettings<GatewaySettings>(values.settings), log);
  stopOnRequest(running, log);
  log.info({ port: running.port }, 'listening');
  const { close: _, ...addresses } = running;
  process.send?.({ type: 'listening', ...addresses });
}

function stopOnRequest(running: { close(): Promise<void> }, log: Logger): void {
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), stopPatienceMs).unref();
    running.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'could not stop cleanly');
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.once('disconnect', stop);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
