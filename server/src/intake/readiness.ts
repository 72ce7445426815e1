/**
 * Since when this intake can be trusted to know who is silent: it has been taking deliveries without a break, and nobody
 * has turned the machine's clock. Before that, what has not come may only be late: sensors come back a while after an
 * outage, and after a turn of the clock every instant that was written down before lies wrongly far in the past or ahead.
 * Measured on the clock that nobody can turn; a machine that slept counts as turned, for its sensors slept too.
 */
import type { Clock } from '../platform/clock.js';

export interface ReadinessOptions {
  clock: Clock;
  /** milliseconds that no change of the clock moves */
  monotonic?: () => number;
  /** told once for each turn, in milliseconds; negative where the clock was set back */
  onTurned?: (ms: number) => void;
}

/** Time servers slew by less between two looks; a person or a step of theirs turns by more. */
const turnedMs = 1_000;

export class Readiness {
  private readonly clock: Clock;
  private readonly monotonic: () => number;
  private readonly onTurned: (ms: number) => void;
  private since: number;
  private offset: number;

  constructor({ clock, monotonic = () => performance.now(), onTurned = () => {} }: ReadinessOptions) {
    this.clock = clock;
    this.monotonic = monotonic;
    this.onTurned = onTurned;
    this.since = monotonic();
    this.offset = clock.now().getTime() - this.since;
  }

  /** Milliseconds without a break and without a turn of the clock until now. */
  forMs(): number {
    const now = this.monotonic();
    const offset = this.clock.now().getTime() - now;
    const turned = offset - this.offset;
    this.offset = offset;
    if (Math.abs(turned) > turnedMs) {
      this.since = now;
      this.onTurned(Math.round(turned));
    }
    return now - this.since;
  }

  /** The database was away: everything that waited for it may still be on its way. */
  interrupted(): void {
    this.since = this.monotonic();
  }
}
