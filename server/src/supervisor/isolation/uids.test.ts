import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { chooseUids, loadUids, parseUidMap } from './uids.js';

const machine = '         0          0 4294967295\n';
const container = '0 100000 65536\n';

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'uids-'));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

it('are the same for one folder and differ between two', () => {
  const ranges = parseUidMap(machine);
  expect(chooseUids(ranges, '/a')).toEqual(chooseUids(ranges, '/a'));
  expect(chooseUids(ranges, '/a').portal).not.toBe(chooseUids(ranges, '/b').portal);
});

it('are all different and below 2^31, users included', () => {
  const uids = chooseUids(parseUidMap(machine), '/a');
  expect(new Set(Object.values(uids)).size).toBe(6);
  expect(uids.userBase + 900_000).toBeLessThan(2 ** 31);
});

it('stay inside the small range of a container', () => {
  const uids = chooseUids(parseUidMap(container), '/a');
  expect(Math.max(...Object.values(uids))).toBeLessThan(65_536 - 1000);
});

it('are refused where there is one uid only', () => {
  expect(() => chooseUids(parseUidMap('0 1000 1\n'), '/a')).toThrow(/too few uids/);
});

it('are kept, and a machine without them is refused', () => {
  const uids = loadUids(data, machine);
  expect(loadUids(data, machine)).toEqual(uids);
  expect(() => loadUids(data, container)).toThrow(/do not exist here/);
});
