/**
 * Keeps the newest of the cells that are offered, and all that are as new as the last of them: which of two with one
 * timestamp is newer is known to the database alone, so the caller gets both.
 */
export class Newest {
  /** timestamps of the newest ones, a heap with the oldest of them at its root */
  private readonly heap: number[] = [];
  private readonly kept: { cell: number; last: number }[] = [];
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** What is older than this can't be among the newest any more. */
  get threshold(): number {
    return this.heap.length < this.limit ? Number.NEGATIVE_INFINITY : (this.heap[0] as number);
  }

  offer(cell: number, last: number): void {
    if (last < this.threshold) return;
    this.kept.push({ cell, last });
    if (!Number.isFinite(this.limit)) return;
    if (this.heap.length < this.limit) this.rise(last);
    else if (last > (this.heap[0] as number)) this.sink(last);
  }

  cells(): number[] {
    const { threshold } = this;
    return this.kept.filter(({ last }) => last >= threshold).map(({ cell }) => cell);
  }

  private rise(last: number): void {
    const { heap } = this;
    let at = heap.push(last) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((heap[parent] as number) <= last) break;
      heap[at] = heap[parent] as number;
      at = parent;
    }
    heap[at] = last;
  }

  private sink(last: number): void {
    const { heap } = this;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] as number) < (heap[child] as number)) child += 1;
      if ((heap[child] as number) >= last) break;
      heap[at] = heap[child] as number;
      at = child;
    }
    heap[at] = last;
  }
}
