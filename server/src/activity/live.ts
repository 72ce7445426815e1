/**
 * The live stream: one per browser, resumed by user_seq. NOTIFY is only a hint; each subscriber asks the log for what
 * lies after its own watermark, so a lost hint costs time and never an event.
 */
import type { api } from '@shaparak/contract';
import { activityAfter, type ReadDependencies } from '../log/index.js';
import type { Logger } from '../platform/logging.js';
import type { Database } from '../platform/postgres.js';

export interface LiveEvent {
  event: 'activity' | 'lab' | 'ping';
  id?: number;
  data: unknown;
}

interface Subscriber {
  userId: number;
  sessionId: string;
  userSeq: number | null;
  send(event: LiveEvent): void;
  end(): void;
  flushing: boolean;
  again: boolean;
}

const batch = 100;

export class LiveFeed {
  private readonly subscribers = new Set<Subscriber>();
  private readonly deps: ReadDependencies & { direct: Database; log: Logger };
  private listening: { unlisten(): Promise<void> }[] = [];

  constructor(deps: ReadDependencies & { direct: Database; log: Logger }) {
    this.deps = deps;
  }

  /** Starts to listen. The driver listens again after a lost connection and then calls back: everybody catches up. */
  async open(): Promise<void> {
    const { direct } = this.deps;
    const activity = await direct.listen(
      'shaparak_activity',
      (userId) => this.wake((subscriber) => subscriber.userId === Number(userId)),
      () => this.wake(() => true),
    );
    const session = await direct.listen('shaparak_session', (sessionId) => {
      for (const subscriber of this.subscribers) if (subscriber.sessionId === sessionId) subscriber.end();
    });
    this.listening = [activity, session];
  }

  get size(): number {
    return this.subscribers.size;
  }

  /** @param userSeq where to go on; null = from now on. @returns how to leave */
  subscribe(
    { userId, sessionId }: { userId: number; sessionId: string },
    userSeq: number | null,
    send: Subscriber['send'],
    end: () => void,
  ) {
    const subscriber: Subscriber = { userId, sessionId, userSeq, send, end, flushing: false, again: false };
    this.subscribers.add(subscriber);
    void this.flush(subscriber);
    return () => this.subscribers.delete(subscriber);
  }

  publishLab(userId: number, state: api.LabState): void {
    for (const subscriber of this.subscribers)
      if (subscriber.userId === userId) subscriber.send({ event: 'lab', data: state });
  }

  private wake(who: (subscriber: Subscriber) => boolean): void {
    for (const subscriber of this.subscribers) if (who(subscriber)) void this.flush(subscriber);
  }

  private async flush(subscriber: Subscriber): Promise<void> {
    subscriber.again = true;
    if (subscriber.flushing) return;
    subscriber.flushing = true;
    try {
      while (subscriber.again) {
        subscriber.again = false;
        subscriber.userSeq ??= await newestSequence(this.deps.database, subscriber.userId);
        const events = await activityAfter(this.deps, subscriber.userId, subscriber.userSeq, batch);
        for (const event of events) {
          subscriber.userSeq = event.user_seq;
          subscriber.send({ event: 'activity', id: event.user_seq, data: event });
        }
        if (events.length === batch) subscriber.again = true;
      }
    } catch (error) {
      this.deps.log.warn({ err: error }, 'The live stream could not read the log; it goes on with the next hint');
    } finally {
      subscriber.flushing = false;
    }
  }

  async close(): Promise<void> {
    for (const subscriber of this.subscribers) subscriber.end();
    await Promise.allSettled(this.listening.map((one) => one.unlisten()));
  }
}

async function newestSequence(database: Database, userId: number): Promise<number> {
  const [row] = await database<{ seq: number }[]>`select last_seq as seq from user_total where user_id = ${userId}`;
  return row?.seq ?? 0;
}
