/** A kernel whose memory the machine limits, as a container's would be: what it takes beyond that ends it with SIGKILL. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processesOf } from './started-system.js';

const root = '/sys/fs/cgroup';

/** @returns what removes the limit again, or null where this machine lets nobody make a control group */
export function limitMemory(home: string, kernelId: string, bytes: number): (() => void) | null {
  const groups = readFileSync('/proc/self/cgroup', 'utf8');
  const isV1 = existsSync(join(root, 'memory'));
  const own = (isV1 ? /^\d+:memory:(.*)$/m : /^0::(.*)$/m).exec(groups)?.[1];
  if (own === undefined) return null;
  const group = join(root, isV1 ? 'memory' : '', own, `shaparak-test-${kernelId}`);
  const kernel = processesOf(home).find(({ command }) => /^\S*python/.test(command) && command.includes(kernelId));
  if (!kernel) throw new Error(`no process of kernel ${kernelId}`);
  try {
    mkdirSync(group);
    writeFileSync(join(group, isV1 ? 'memory.limit_in_bytes' : 'memory.max'), String(bytes));
    writeFileSync(join(group, 'cgroup.procs'), String(kernel.pid));
  } catch {
    return null;
  }
  return () => rmdirSync(group);
}
