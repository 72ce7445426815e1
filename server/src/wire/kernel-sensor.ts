/**
 * The wire sensor of one kernel: numbers what is told of it and hands it to the spool. A new gateway has a new instance of
 * it for the same kernel.
 */
import { randomUUID } from 'node:crypto';
import type { capture } from '@shaparak/contract';
import { KernelRequests, type Told } from './requests/requests.js';
import type { Durability, WireSpool } from './spool/spool.js';
import type { WireClock } from './wire-clock.js';

export interface KernelOwner {
  userId: number;
  username: string;
}

export interface KernelAbout {
  spec: string | null;
  expectsKernelSensor: boolean;
  sawStart: boolean;
  notebookPath: string | null;
}

export interface KernelSensorDeps {
  owner: KernelOwner;
  kernelId: string;
  version: string;
  spool: WireSpool;
  now: WireClock;
  monotonic(): number;
  later(task: () => void, ms: number): void;
}

export class KernelSensor {
  readonly requests: KernelRequests;
  readonly connections = new Set<object>();
  readonly sensor: capture.Sensor;
  /** durability of the newest record */
  last: Durability;
  private readonly deps: KernelSensorDeps;
  private about: KernelAbout;
  private sequence = 0;
  private readonly held = new Set<() => void>();

  constructor(deps: KernelSensorDeps, about: KernelAbout) {
    this.deps = deps;
    this.about = about;
    this.sensor = {
      kind: 'wire',
      instance: randomUUID(),
      version: deps.version,
      kernel_id: deps.kernelId,
      language: about.spec ?? 'unknown',
      started_at: deps.now(),
    };
    this.requests = new KernelRequests({
      tell: (told, at) => this.record(told, at),
      notebookPath: () => this.about.notebookPath,
      now: deps.now,
      monotonic: deps.monotonic,
      later: deps.later,
    });
    this.last = this.describe();
  }

  get owner(): KernelOwner {
    return this.deps.owner;
  }

  /** A kernel that this gateway saw start is; of any other its server has to be asked. */
  get isDescribed(): boolean {
    return this.about.spec !== null;
  }

  /** What became known later: a renamed notebook, a start that was seen. */
  learn(about: Partial<KernelAbout>): void {
    const before = JSON.stringify(this.about);
    this.about = { ...this.about, ...about, sawStart: this.about.sawStart || about.sawStart === true };
    if (JSON.stringify(this.about) !== before) this.describe();
  }

  /** True once the newest record is durable; false when that takes too long, fails, or the person interrupts. */
  hold(patienceMs: number): Promise<boolean> {
    const { reached } = this.last;
    return new Promise((resolve) => {
      const settle = (isDurable: boolean) => {
        clearTimeout(timer);
        this.held.delete(drop);
        resolve(isDurable);
      };
      const drop = () => settle(false);
      const timer = setTimeout(drop, patienceMs);
      this.held.add(drop);
      reached.then(settle, drop);
    });
  }

  get isHolding(): boolean {
    return this.held.size > 0;
  }

  /** Resolves at once, but as a promise: a message behind a held one keeps its place in the queue. */
  heldTurn(): Promise<boolean> {
    return Promise.resolve(true);
  }

  dropHeld(): void {
    for (const drop of [...this.held]) drop();
  }

  /** The kernel is gone: whatever it was running is lost, and nothing more is expected of it. */
  end(): void {
    this.requests.kernelEnded('all');
    this.record({ type: 'sensor_stopped' }, this.deps.now());
  }

  private describe(): Durability {
    const { spec, expectsKernelSensor, sawStart, notebookPath } = this.about;
    const told: Told = {
      type: 'sensor_started',
      notebook_path: notebookPath,
      saw_start: sawStart,
      spec,
      expects_kernel_sensor: expectsKernelSensor,
    };
    return this.record(told, this.deps.now());
  }

  private record(told: Told, at: string): Durability {
    this.sequence += 1;
    const observation = { sequence: this.sequence, observed_at: at, ...told } as capture.Observation;
    this.last = this.deps.spool.append({ userId: this.deps.owner.userId, sensor: this.sensor, observation });
    return this.last;
  }
}
