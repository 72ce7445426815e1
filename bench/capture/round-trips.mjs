/**
 * Round trips of all contestants in turns: blocks of a few cells each, in an order that changes each time, so that a drift
 * of the machine meets all alike and nobody always has the same neighbour. Between blocks it is quiet, so that what a
 * system does after a cell (delivery, intake) is paid by its own next cells and not by those of its neighbour.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { median, quantile } from '../statistics.mjs';

const quietMs = 250;

/**
 * @typedef {Record<string, {reply: number[], idle: number[]}>} Times
 * @param {Record<string, {run(code: string): Promise<{reply: number, idle: number}>}>} contestants
 * @param {{warmUp: number, measured: number, blockOf: number, pauseMs: number, say: (detail: string) => void}} options
 * @returns {Promise<Times>}
 */
export async function takeTurns(contestants, { warmUp, measured, blockOf, pauseMs, say }) {
  const names = Object.keys(contestants);
  /** @type {Times} */
  const times = Object.fromEntries(names.map((name) => [name, { reply: [], idle: [] }]));
  for (const name of names) for (let count = 0; count < warmUp; count += 1) await contestants[name].run('1 + 1');
  for (let done = 0, turn = 0; done < measured; done += blockOf, turn += 1) {
    say(`(${done} of ${measured})`);
    const order = names.map((_, index) => names[(index + turn) % names.length]);
    for (const name of turn % 2 === 0 ? order : order.reverse()) {
      await pause(quietMs);
      for (let count = 0; count < Math.min(blockOf, measured - done); count += 1) {
        if (pauseMs > 0) await pause(pauseMs);
        const { reply, idle } = await contestants[name].run('1 + 1');
        times[name].reply.push(reply);
        times[name].idle.push(idle);
      }
    }
  }
  return times;
}

const peers = [
  ['stock', 'stock-jupyter'],
  ['seedNew', 'seed-plain-new-connection'],
  ['seedPersistent', 'seed-plain-persistent'],
];
const goalAddedMs = 0.3;

/** @param {ReturnType<typeof import('../report.mjs').createReport>} report @param {Times} times */
export function reportRoundTrips(report, name, times) {
  const measures = {
    median: (key) => median(times[key].reply),
    p99: (key) => quantile(times[key].reply, 0.99),
    'idle-median': (key) => median(times[key].idle),
    'idle-p99': (key) => quantile(times[key].idle, 0.99),
  };
  for (const [measure, of] of Object.entries(measures))
    for (const [key, peerName] of peers)
      report.add(`${name}-${measure}`, { ours: of('ours'), peer: of(key), peerName, unit: 'ms' });
  const { median: of } = measures;
  report.add(`${name}-without-gateway-median`, {
    ours: of('straight'),
    peer: of('stock'),
    peerName: 'stock-jupyter',
    unit: 'ms',
  });
  report.add(`${name}-added-median`, {
    // Below what can be measured there is no ratio to speak of.
    ours: Math.max(of('ours') - of('stock'), 0.001),
    peer: goalAddedMs,
    peerName: 'goal',
    unit: 'ms',
  });
}
