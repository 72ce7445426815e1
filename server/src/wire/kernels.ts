/** The kernels that this gateway knows: those it saw start, and those that somebody connected to. */
import type { Logger } from '../platform/logging.js';
import { boundedName } from './bounded.js';
import { type KernelAbout, type KernelOwner, KernelSensor, type KernelSensorDeps } from './kernel-sensor.js';
import type { WireSpool } from './spool/spool.js';
import type { WireClock } from './wire-clock.js';

export interface KernelsDeps {
  spool: WireSpool;
  log: Logger;
  version: string;
  /** does a kernel of this spec bring a sensor of its own? */
  bringsSensor(spec: string): boolean;
  now: WireClock;
}

/** A kernel without a connection is forgotten after so long; it is told of as a new one if somebody comes back. */
const forgottenAfterMs = 600_000;

export class Kernels {
  private readonly sensors = new Map<string, KernelSensor>();
  private readonly ofSession = new Map<string, string>();
  private readonly deps: KernelsDeps;

  constructor(deps: KernelsDeps) {
    this.deps = deps;
  }

  /** A start, or a change of notebook, as jupyter_server answered it: a kernel or a session model. */
  answered(owner: KernelOwner, model: unknown, isStart: boolean): void {
    const found = readModel(model);
    if (!found) return;
    const { kernelId, sessionId, path } = found;
    const spec = boundedName(found.spec);
    if (sessionId !== null) {
      // The server ends the kernel that a session had before.
      const before = this.ofSession.get(sessionId);
      if (before !== undefined && before !== kernelId) this.ended(owner, before);
      this.ofSession.set(sessionId, kernelId);
    }
    const about: Partial<KernelAbout> = { spec, expectsKernelSensor: this.deps.bringsSensor(spec), sawStart: isStart };
    if (path !== null) about.notebookPath = boundedName(path);
    this.get(owner, kernelId, about).learn(about);
  }

  /** The server ended this kernel because it was asked to. */
  ended(owner: KernelOwner, kernelId: string): void {
    const sensor = this.sensors.get(keyOf(owner, kernelId));
    this.sensors.delete(keyOf(owner, kernelId));
    sensor?.end();
  }

  sessionEnded(owner: KernelOwner, sessionId: string): void {
    const kernelId = this.ofSession.get(sessionId);
    this.ofSession.delete(sessionId);
    if (kernelId !== undefined) this.ended(owner, kernelId);
  }

  restarted(owner: KernelOwner, kernelId: string): void {
    this.sensors.get(keyOf(owner, kernelId))?.requests.kernelEnded('begun');
  }

  find(owner: KernelOwner, kernelId: string): KernelSensor | undefined {
    return this.sensors.get(keyOf(owner, kernelId));
  }

  get(owner: KernelOwner, kernelId: string, about: Partial<KernelAbout> = {}): KernelSensor {
    const known = this.find(owner, kernelId);
    if (known) return known;
    const unknown = { spec: null, expectsKernelSensor: true, sawStart: false, notebookPath: null };
    const sensor = new KernelSensor(this.sensorDeps(owner, kernelId), { ...unknown, ...about });
    this.sensors.set(keyOf(owner, kernelId), sensor);
    return sensor;
  }

  /** Nobody is connected any more. */
  left(sensor: KernelSensor): void {
    const key = keyOf(sensor.owner, sensor.sensor.kernel_id);
    setTimeout(() => {
      if (sensor.connections.size === 0 && this.sensors.get(key) === sensor) this.sensors.delete(key);
    }, forgottenAfterMs).unref();
  }

  /** Instances whose kernels are known to live: somebody is connected. */
  living(): string[] {
    return [...this.sensors.values()]
      .filter((sensor) => sensor.connections.size > 0)
      .map((sensor) => sensor.sensor.instance);
  }

  private sensorDeps(owner: KernelOwner, kernelId: string): KernelSensorDeps {
    return {
      owner,
      kernelId,
      version: this.deps.version,
      spool: this.deps.spool,
      now: this.deps.now,
      monotonic: () => performance.now(),
      later: (task, ms) => void setTimeout(task, ms).unref(),
    };
  }
}

const keyOf = ({ userId }: KernelOwner, kernelId: string) => `${userId} ${kernelId}`;

function readModel(model: unknown) {
  if (typeof model !== 'object' || model === null) return null;
  const { id, name, path, kernel } = model as Record<string, unknown>;
  if (typeof kernel === 'object' && kernel !== null) {
    const { id: kernelId, name: spec } = kernel as Record<string, unknown>;
    if (typeof kernelId !== 'string' || typeof spec !== 'string') return null;
    return {
      kernelId,
      spec,
      sessionId: typeof id === 'string' ? id : null,
      path: typeof path === 'string' ? path : null,
    };
  }
  if (typeof id !== 'string' || typeof name !== 'string') return null;
  return { kernelId: id, spec: name, sessionId: null, path: null };
}
