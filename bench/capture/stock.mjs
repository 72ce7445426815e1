/** The peers: a Jupyter server as it comes, with the plain kernel and with the specified audit logger in it. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { run as runCommand } from '../../setup/command.mjs';
import { digestOf, once } from '../../setup/stamps.mjs';
import { plainEnvironment, startProcess, until } from '../processes.mjs';
import { product } from '../system.mjs';

const bench = join(import.meta.dirname, '..');
const seedPlain = join(bench, 'seed_plain');

/** psycopg in a folder of its own. @returns {Promise<string>} the folder */
export async function installDriver({ installation }) {
  const { home, environment } = installation;
  const target = join(home, 'bench-environment');
  const digest = await digestOf(bench, ['requirements.txt'], [environment]);
  await once(join(target, '.made-from'), digest, async () => {
    const unfinished = `${target}.new`;
    for (const path of [target, unfinished]) rmSync(path, { recursive: true, force: true });
    const options = [
      '--no-deps',
      '--require-hashes',
      '--only-binary',
      ':all:',
      '--disable-pip-version-check',
      '--no-input',
    ];
    await runCommand(
      [
        join(environment, 'bin', 'python'),
        '-m',
        'pip',
        'install',
        ...options,
        '--target',
        unfinished,
        '-r',
        join(bench, 'requirements.txt'),
      ],
      {
        log: join(home, 'setup', 'bench-environment.log'),
        remedy: 'The database driver of the baseline could not be installed; look at the lines above',
      },
    );
    renameSync(unfinished, target);
  });
  return target;
}

/** The same PostgreSQL with the same settings as the system's own, in a second instance: neither slows the other's tables. */
export async function startSeedDatabase(context, folder) {
  const { startEmbeddedPostgres } = await product(context.installation, 'platform/embedded-postgres.js');
  const { connectDirect } = await product(context.installation, 'platform/postgres.js');
  const server = await startEmbeddedPostgres({
    directory: join(folder, 'seed-database'),
    socketDirectory: join(folder, 'seed-socket'),
    uid: null,
  });
  context.onClose(() => server.stop());
  const settings = { url: server.url, directUrl: null, role: null };
  const withConnection = async (work) => {
    const connection = connectDirect(settings, { max: 1, applicationName: 'bench' });
    try {
      return await work(connection);
    } finally {
      await connection.end({ timeout: 1 });
    }
  };
  await withConnection((connection) => connection.unsafe(readFileSync(join(seedPlain, 'schema.sql'), 'utf8')));
  return {
    url: server.url,
    pid: server.pid,
    countRows: () =>
      withConnection(async (connection) => {
        const [found] = await connection`select count(*)::int as n from code_execution_logs`;
        return found.n;
      }),
  };
}

/**
 * From the system's own Python environment, without its configuration: no jail, no gateway, no sensor. On a unix socket, as
 * the system's servers are: over TCP it sends small frames with Nagle's delay, which costs 40 ms and is not capture's affair.
 */
export async function startStockServer(context, { folder, driver, databaseUrl }) {
  const python = join(context.installation.environment, 'bin', 'python');
  writeSpecs(join(folder, 'data', 'kernels'), python, { driver, databaseUrl });
  const socket = join(folder, 's.sock');
  const token = crypto.randomUUID();
  const options = {
    sock: socket,
    sock_mode: '0600',
    open_browser: 'False',
    root_dir: folder,
    terminals_enabled: 'False',
  };
  const server = startProcess(
    [python, '-m', 'jupyter_server', '--allow-root', `--IdentityProvider.token=${token}`].concat(
      Object.entries(options).map(([name, value]) => `--ServerApp.${name}=${value}`),
    ),
    {
      cwd: folder,
      env: {
        ...plainEnvironment(),
        HOME: folder,
        JUPYTER_NO_CONFIG: '1',
        JUPYTER_CONFIG_DIR: join(folder, 'config'),
        JUPYTER_DATA_DIR: join(folder, 'data'),
        JUPYTER_RUNTIME_DIR: join(folder, 'runtime'),
        IPYTHONDIR: join(folder, 'ipython'),
      },
      log: join(folder, 'server.log'),
    },
  );
  context.onClose(() => server.stop());
  const headers = { authorization: `token ${token}`, host: 'localhost' };
  const ask = (method, path, body) => askOver(socket, { method, path, headers }, body);
  await server.orDied(until(() => ask('GET', '/api/status'), 'the stock server'));
  return {
    /** @returns {Promise<{url: string, headers: Record<string, string>}>} where its channels are */
    async startKernel(name) {
      const { id } = await ask('POST', '/api/kernels', { name });
      return { url: `ws+unix:${socket}:/api/kernels/${id}/channels`, headers };
    },
  };
}

/** fetch knows no unix sockets. */
function askOver(socketPath, options, body) {
  return new Promise((resolve, reject) => {
    const asked = request({ ...options, socketPath, timeout: 20_000 }, async (answer) => {
      let text = '';
      for await (const chunk of answer.setEncoding('utf8')) text += chunk;
      if (answer.statusCode < 300) resolve(JSON.parse(text));
      else reject(new Error(`${options.path} answered ${answer.statusCode}: ${text.slice(0, 500)}`));
    });
    asked.once('error', reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function writeSpecs(kernels, python, { driver, databaseUrl }) {
  const write = (name, { options = [], env = {} }) => {
    mkdirSync(join(kernels, name), { recursive: true });
    const spec = {
      // The history in memory, as the system's own kernels have it: a difference that is not capture's.
      argv: [
        python,
        '-m',
        'ipykernel_launcher',
        '-f',
        '{connection_file}',
        '--HistoryManager.hist_file=:memory:',
        ...options,
      ],
      display_name: name,
      language: 'python',
      env,
    };
    writeFileSync(join(kernels, name, 'kernel.json'), JSON.stringify(spec));
  };
  write('bench-stock', {});
  for (const connection of ['new', 'persistent'])
    write(`bench-seed-${connection}`, {
      options: ['--IPKernelApp.extensions=seed_plain_logger'],
      env: {
        PYTHONPATH: `${seedPlain}:${driver}`,
        PYTHONDONTWRITEBYTECODE: '1',
        AUDIT_DB_CONNECTION: databaseUrl,
        SEED_PLAIN_CONNECTION: connection,
      },
    });
}
