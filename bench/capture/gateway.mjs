/** What one gateway process carries between a client and a double of a server that does nothing but send and answer. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openKernel } from '../kernel-client.mjs';
import { memoryOf, plainEnvironment, processorTimeOf, startProcess } from '../processes.mjs';
import { median, quantile } from '../statistics.mjs';
import { json } from '../system.mjs';
import { takeTurns } from './round-trips.mjs';

const goalMessages = 10_000;
const socketCount = 1_000;

/** The system's own gateway program with the system's own settings, whose route of the person leads to the double. */
export async function startGatewayOfItsOwn(context, { system, person, folder }) {
  const { installation, cpuProfile } = context;
  const place = join(folder, 'gateway');
  mkdirSync(place);
  const socket = join(place, 'double.sock');
  const messages = join(installation.runtime, 'server', 'dist', 'wire', 'message.js');
  const double = startProcess([process.execPath, join(import.meta.dirname, 'server-double.mjs'), socket, messages], {
    env: plainEnvironment(),
    log: join(place, 'double.log'),
    ipc: true,
  });
  context.onClose(() => double.stop());
  await double.orDied(listening(double));

  const settings = {
    ...system.gatewaySettings,
    config: { ...system.gatewaySettings.config, labPort: 0 },
    proxyApi: { ...system.gatewaySettings.proxyApi, port: 0 },
    spoolDirectory: join(place, 'spool'),
  };
  const file = join(place, 'settings.json');
  writeFileSync(file, JSON.stringify(settings), { mode: 0o600 });
  const profile = cpuProfile === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${cpuProfile}`];
  const gateway = startProcess([installation.node, ...profile, system.main, 'gateway', '--settings', file], {
    env: { ...plainEnvironment(), NODE_ENV: 'production' },
    log: join(place, 'gateway.log'),
    ipc: true,
  });
  context.onClose(() => gateway.stop());
  const { port, proxyApiPort } = await gateway.orDied(listening(gateway));
  await json(
    await fetch(`http://127.0.0.1:${proxyApiPort}/api/routes/user/${person.username}/`, {
      method: 'POST',
      headers: { authorization: `token ${settings.proxyApi.token}` },
      body: JSON.stringify({ target: `http+unix://${encodeURIComponent(socket)}`, user: person.username }),
    }).then((answer) => (answer.status === 201 ? Response.json({}) : answer)),
  );
  const path = (kernel) => `/user/${person.username}/api/kernels/${kernel}/channels`;
  return {
    pid: gateway.pid,
    /** @type {Record<'ours' | 'direct', (kernel: string) => {url: string, headers: Record<string, string>}>} */
    ways: {
      ours: (kernel) => ({
        url: `ws://127.0.0.1:${port}${path(kernel)}`,
        headers: { cookie: person.cookie, origin: `http://127.0.0.1:${port}` },
      }),
      direct: (kernel) => ({ url: `ws+unix:${socket}:${path(kernel)}`, headers: { host: 'localhost' } }),
    },
  };
}

const listening = ({ child }) =>
  new Promise((resolve) => {
    child.on('message', (message) => message.type === 'listening' && resolve(message));
  });

/** What the gateway adds to a message and its answer, and to a cell, where the kernel takes no time at all. */
export async function measureHop({ quick, report }, { gateway, format, say }) {
  const options = quick ? { warmUp: 50, measured: 200, blockOf: 20 } : { warmUp: 200, measured: 2_000, blockOf: 100 };
  const open = async (way) => openKernel(format, way(randomUUID()));
  const kernels = { ours: await open(gateway.ways.ours), direct: await open(gateway.ways.direct) };
  const add = (name, ours, peer) => report.add(name, { ours, peer, peerName: 'no-gateway', unit: 'ms' });
  for (const [name, run] of [
    ['gateway-hop-message', (kernel) => kernel.greet().then((ms) => ({ reply: ms, idle: ms }))],
    ['gateway-hop-cell', (kernel) => kernel.run('1 + 1')],
  ]) {
    const runners = Object.fromEntries(
      Object.entries(kernels).map(([key, kernel]) => [key, { run: () => run(kernel) }]),
    );
    const times = await takeTurns(runners, { ...options, pauseMs: 0, say });
    add(`${name}-median`, median(times.ours.reply), median(times.direct.reply));
    add(`${name}-p99`, quantile(times.ours.reply, 0.99), quantile(times.direct.reply, 0.99));
  }
  for (const kernel of Object.values(kernels)) kernel.close();
}

export async function measureFlood({ quick, report }, { gateway, format, say }) {
  const [messages, repeats] = quick ? [20_000, 3] : [100_000, 7];
  const rates = { ours: [], direct: [] };
  const perSecondOfProcessor = [];
  for (let repeat = 0; repeat <= repeats; repeat += 1)
    for (const [name, way] of Object.entries(gateway.ways)) {
      say(`(${name}, ${repeat} of ${repeats})`);
      const before = processorTimeOf(gateway.pid);
      const rate = await flood(await openKernel(format, way(randomUUID())), messages);
      if (repeat === 0) continue; // warms up
      rates[name].push(rate);
      if (name === 'ours') perSecondOfProcessor.push(messages / (processorTimeOf(gateway.pid) - before));
    }
  const add = (name, ours, peer, peerName) =>
    report.add(name, { ours, peer, peerName, unit: 'messages/s', better: 'higher' });
  add('gateway-messages-per-second', median(rates.ours), goalMessages, 'goal');
  add('gateway-messages-per-second', median(rates.ours), median(rates.direct), 'no-gateway');
  add('gateway-messages-per-processor-second', median(perSecondOfProcessor), goalMessages, 'goal');
}

/** @returns {Promise<number>} messages a second, from the first to the last */
function flood(kernel, count) {
  return new Promise((resolve, reject) => {
    kernel.socket.removeAllListeners('message');
    let seen = 0;
    let first = 0;
    const timer = setTimeout(() => reject(new Error(`${seen} of ${count} messages came within 120 s`)), 120_000);
    kernel.socket.on('message', () => {
      if (seen === 0) first = performance.now();
      seen += 1;
      if (seen <= count) return;
      clearTimeout(timer);
      kernel.close();
      resolve((count / (performance.now() - first)) * 1_000);
    });
    kernel.socket.send(kernel.write('shell', 'comm_msg', { flood: count }).frame);
  });
}

export async function measureSockets({ quick, report }, { gateway, format, say }) {
  const rounds = quick ? 3 : 15;
  const opening = {};
  const all = { ours: [], direct: [] };
  const before = memoryOf(gateway.pid);
  let memory = before;
  for (const [name, way] of Object.entries(gateway.ways)) {
    say(`(${name}: opening)`);
    const begun = performance.now();
    const kernels = await openMany(() => openKernel(format, way(randomUUID())));
    opening[name] = performance.now() - begun;
    for (let round = 0; round <= rounds; round += 1) {
      say(`(${name}: round ${round} of ${rounds})`);
      const asked = performance.now();
      await Promise.all(kernels.map((kernel) => kernel.greet()));
      if (round > 0) all[name].push(performance.now() - asked);
    }
    if (name === 'ours') memory = memoryOf(gateway.pid);
    for (const kernel of kernels) kernel.close();
  }
  const add = (name, ours, peer, unit) =>
    report.add(name, { ours, unit, ...(peer === null ? {} : { peer, peerName: 'no-gateway' }) });
  add('gateway-1000-sockets-all-answered', median(all.ours), median(all.direct), 'ms');
  add('gateway-1000-sockets-opened', opening.ours, opening.direct, 'ms');
  add('gateway-1000-sockets-memory', memory, null, 'MB');
  add('gateway-1000-sockets-memory-each', ((memory - before) / socketCount) * 1024, null, 'kB');
}

/** 50 at a time, as after a restart of the gateway. */
async function openMany(open) {
  const opened = [];
  let left = socketCount;
  const work = async () => {
    while (left > 0) {
      left -= 1;
      opened.push(await open());
    }
  };
  await Promise.all(Array.from({ length: 50 }, work));
  return opened;
}
