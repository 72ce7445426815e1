/**
 * What a kernel said while its browser was away, kept for the tab that comes back with the same session. All connections
 * share one budget; when it is used up, the replay of the one that has been away longest is given up, never the record.
 */
export interface Kept {
  data: Buffer;
  isBinary: boolean;
}

export class ReplayBudget {
  private used = 0;
  private readonly waiting = new Set<Replay>();
  private readonly bytes: number;

  constructor(bytes: number) {
    this.bytes = bytes;
  }

  open(): Replay {
    const replay = new Replay((change) => this.account(replay, change));
    return replay;
  }

  private account(replay: Replay, change: number): void {
    this.used += change;
    if (change > 0) this.waiting.add(replay);
    else if (replay.size === 0) this.waiting.delete(replay);
    for (const oldest of this.waiting) {
      if (this.used <= this.bytes) return;
      oldest.giveUp();
    }
  }
}

export class Replay {
  size = 0;
  /** what was kept is no longer all that was said */
  isIncomplete = false;
  private kept: Kept[] = [];
  private readonly account: (change: number) => void;

  constructor(account: (change: number) => void) {
    this.account = account;
  }

  keep(kept: Kept): void {
    if (this.isIncomplete) return;
    this.kept.push(kept);
    this.size += kept.data.length;
    this.account(kept.data.length);
  }

  /** Everything kept, in order; it is empty afterwards. */
  take(): Kept[] {
    const { kept } = this;
    this.empty();
    this.isIncomplete = false;
    return kept;
  }

  giveUp(): void {
    this.isIncomplete = true;
    this.empty();
  }

  private empty(): void {
    const { size } = this;
    this.kept = [];
    this.size = 0;
    this.account(-size);
  }
}
