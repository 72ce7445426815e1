/**
 * The indexes that this process holds. What must always be true:
 *  - an index that is handed out was loaded whole; where a load or a catch-up fails, it is thrown away;
 *  - of one person there is one load and one catch-up at a time, and everybody who needs it waits for the same one;
 *  - all of them stay within the budget: the least recently used one goes first, and never the one that is being filled.
 * Nothing here is needed for a right answer: whatever is lost is loaded again, and SQL answers meanwhile.
 */
import type { Logger } from '../../platform/logging.js';
import type { Database } from '../../platform/postgres.js';
import { readFolding } from './folding.js';
import { catchUp, loadIndex, turn } from './loader.js';
import type { Scanner } from './scanner.js';
import { MemoryFull, TextMemory } from './text-memory.js';
import type { UserIndex } from './user-index.js';

export interface SearchIndexesOptions {
  database: Database;
  budgetBytes: number;
  log: Logger;
  createScanner?: (memory: WebAssembly.Memory) => Scanner;
}

/** Two loads take both of the connections and cores that one leaves; more only make each of them slower. */
const loadsAtOnce = 2;
/** How long a person whose text did not fit, or whose load failed, is answered by SQL before it is tried again. */
const refusedForMs = 30_000;

export class SearchIndexes {
  private readonly options: SearchIndexesOptions;
  /** the most recently used last */
  private readonly ready = new Map<number, UserIndex>();
  private readonly loading = new Map<number, Promise<UserIndex | null>>();
  private readonly catchingUp = new Map<number, Promise<boolean>>();
  private readonly refusedUntil = new Map<number, number>();
  private readonly waiting: (() => void)[] = [];
  private memory: Promise<TextMemory | null> | null = null;
  private textMemory: TextMemory | null = null;
  /** loads that began before the person was forgotten */
  private readonly stale = new Set<number>();
  private loads = 0;
  private closed = false;

  constructor(options: SearchIndexesOptions) {
    this.options = options;
  }

  get users(): number {
    return this.ready.size;
  }

  get heldBytes(): number {
    return this.textMemory?.heldBytes ?? 0;
  }

  /** The person's index as it is, which may be behind; null where there is none. */
  get(userId: number): UserIndex | null {
    const index = this.ready.get(userId);
    if (!index) return null;
    this.ready.delete(userId);
    this.ready.set(userId, index);
    return index;
  }

  /** @returns null where SQL has to answer: it does not fit, it can't be loaded now, or it failed (and is logged) */
  load(userId: number): Promise<UserIndex | null> {
    const index = this.get(userId);
    if (index) return Promise.resolve(index);
    if (this.closed || (this.refusedUntil.get(userId) ?? 0) > performance.now()) return Promise.resolve(null);
    const earlier = this.loading.get(userId);
    if (earlier) return earlier;
    const load = this.loadInTurn(userId).finally(() => this.loading.delete(userId));
    this.loading.set(userId, load);
    return load;
  }

  /** Brings an index up to an execution that is known to be committed. @returns false where it can't be */
  async reach(userId: number, index: UserIndex, userSeq: number): Promise<boolean> {
    while (index.watermark < userSeq) {
      const round = this.catchingUp.get(userId) ?? this.startCatchUp(userId, index, userSeq);
      if (!(await round)) return false;
    }
    return !index.isDisposed;
  }

  /** Throws a person's index away, with zeros where it was: after their code was erased, or the database set back. */
  forget(userId: number): void {
    if (this.loading.has(userId)) this.stale.add(userId);
    this.drop(userId);
    this.textMemory?.clearBench();
  }

  private drop(userId: number): void {
    this.ready.get(userId)?.dispose();
    this.ready.delete(userId);
  }

  /** What runs is waited for; nothing is loaded any more. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.allSettled([...this.loading.values(), ...this.catchingUp.values()]);
    for (const userId of [...this.ready.keys()]) this.forget(userId);
  }

  private async loadInTurn(userId: number): Promise<UserIndex | null> {
    if (this.loads >= loadsAtOnce) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.loads += 1;
    try {
      this.memory ??= this.open();
      const memory = await this.memory;
      if (memory === null || this.closed) return null;
      const index = await loadIndex(this.options.database, userId, memory);
      if (this.stale.delete(userId)) {
        index.dispose();
        return null;
      }
      this.ready.set(userId, index);
      this.refusedUntil.delete(userId);
      void this.buildFilters(index);
      return index;
    } catch (error) {
      this.refuse(userId, error);
      return null;
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.loads -= 1;
    }
  }

  private async open(): Promise<TextMemory | null> {
    const { database, budgetBytes, createScanner } = this.options;
    try {
      const folding = await readFolding(database);
      if (folding === null) {
        this.options.log.warn('The database folds letters in a way that the search in memory can not; SQL answers');
        return null;
      }
      this.textMemory = new TextMemory({
        folding,
        budgetBytes,
        makeRoom: () => this.evict(),
        ...(createScanner ? { createScanner } : {}),
      });
      return this.textMemory;
    } catch (error) {
      this.memory = null;
      throw error;
    }
  }

  private startCatchUp(userId: number, index: UserIndex, userSeq: number): Promise<boolean> {
    const round = catchUp(this.options.database, userId, index, userSeq)
      .then(
        (reached) => {
          if (reached) void this.buildFilters(index);
          return reached;
        },
        (error: unknown) => {
          // Perhaps half of it is in: what is not whole is not kept.
          if (!index.isDisposed) {
            this.forget(userId);
            this.refuse(userId, error);
          }
          return false;
        },
      )
      .finally(() => this.catchingUp.delete(userId));
    this.catchingUp.set(userId, round);
    return round;
  }

  private refuse(userId: number, error: unknown): void {
    this.refusedUntil.set(userId, performance.now() + refusedForMs);
    const reason = error instanceof MemoryFull ? { reason: 'memory' } : { err: error };
    this.options.log.warn({ ...reason, userId }, 'SQL answers the searches of a person for a while');
  }

  private evict(): boolean {
    for (const [userId, index] of this.ready) {
      if (index.isFilling) continue;
      // Not what is forgotten: on the bench lies the text for which the room is made.
      this.drop(userId);
      return true;
    }
    return false;
  }

  private async buildFilters(index: UserIndex): Promise<void> {
    do await turn();
    while (!index.isDisposed && index.buildFilter());
  }
}
