/** The kernels that the environment brings, read from its kernel specs; only they may be started. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** name of the spec → does its kernel bring a sensor of its own? */
export type KernelSpecs = ReadonlyMap<string, boolean>;

const sensorModule = 'shaparak_audit_logger.launch';

export async function readKernelSpecs(directory: string): Promise<KernelSpecs> {
  const specs = new Map<string, boolean>();
  for (const name of await readdir(directory)) {
    const text = await readFile(join(directory, name, 'kernel.json'), 'utf8').catch(() => null);
    if (text === null) continue;
    const { argv } = JSON.parse(text) as { argv?: unknown };
    // jupyter_client takes names without regard to case
    specs.set(name.toLowerCase(), Array.isArray(argv) && argv.includes(sensorModule));
  }
  return specs;
}
