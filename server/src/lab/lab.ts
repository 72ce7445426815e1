/**
 * The state of each user's JupyterLab.
 *
 *   off ──start──► starting ──ready──► running ──stop──► stopping ──► off
 *                     │ └──stop (cancel)──► stopping
 *                     └──failed──► failed ──start──► starting
 *
 * JupyterHub holds the truth: whether a server is starting, ready or stopping is asked there each time, so a restarted
 * portal and several portals show the same. This process adds only what the Hub does not keep: the step of a start that it
 * follows, and the reason of the last failure until the next start. A start in which the Hub itself went away is a
 * failure with that reason. Changes are told to listeners as they happen; a watch notices what ended without us.
 */
import { EventEmitter } from 'node:events';
import type { api } from '@shaparak/contract';
import type { Clock } from '../platform/clock.js';
import { type HubClient, HubUnavailable } from './hub-client.js';
import { field, HubRefused, type HubUser, listHubServers, readHubUser, userPath } from './hub-user.js';
import { createStartDurations } from './start-durations.js';
import { reasonOf, type StartOutcome, type StartStep, watchStart } from './start-watch.js';

type LabState = api.LabState;

/** Whose lab it is; an Actor of the portal is one. */
export interface LabOwner {
  userId: number;
  username: string;
}

interface LabLog {
  warn(fields: object, message: string): void;
}

export interface LabDeps {
  hub: HubClient;
  /** makes sure that the user's intake socket is there and returns its folder */
  openCaptureSocket(userId: number): Promise<string>;
  clock: Clock;
  log: LabLog;
  /** isolation of user servers that is on */
  protections: readonly string[];
  /** how often servers that ended by themselves are noticed */
  watchMs?: number;
}

interface Start {
  askedAt: number;
  step: StartStep;
  end: AbortController;
}

interface Memory {
  owner: LabOwner;
  start: Start | null;
  stopping: boolean;
  failure: string | null;
  told: string;
}

const longestStartMs = 120_000;
const longestStopMs = 30_000;

export class Lab {
  readonly #deps: LabDeps;
  readonly #users = new Map<string, Memory>();
  readonly #events = new EventEmitter().setMaxListeners(0);
  readonly #durations = createStartDurations();
  readonly #watch: NodeJS.Timeout;
  #looking = false;

  constructor(deps: LabDeps) {
    this.#deps = deps;
    this.#watch = setInterval(() => void this.#look(), deps.watchMs ?? 5000).unref();
  }

  /** @throws HubUnavailable */
  async state(owner: LabOwner): Promise<LabState> {
    const memory = this.#remember(owner);
    const user = await readHubUser(this.#deps.hub, owner.username);
    return this.#tell(memory, this.#derive(memory, user));
  }

  /** Asks for a start unless there is nothing to start; answers at once with the state. @throws HubUnavailable */
  async start(owner: LabOwner): Promise<LabState> {
    const memory = this.#remember(owner);
    if (memory.start !== null || memory.stopping) return this.state(owner);
    const start = this.#beginStart(memory, this.#now());
    try {
      const user = await readHubUser(this.#deps.hub, owner.username);
      if (user.phase !== 'none') {
        memory.start = null;
        return this.#tell(memory, this.#derive(memory, user));
      }
      if (!user.exists) await this.#createUser(owner);
      const capture = await this.#deps.openCaptureSocket(owner.userId);
      memory.failure = null;
      void this.#run(memory, start, () => this.#launch(owner, start, capture));
      return this.#tell(memory, this.#starting(start));
    } catch (error) {
      if (memory.start === start) memory.start = null;
      throw error;
    }
  }

  /** Stops the server, also one that is still starting. @throws HubUnavailable */
  async stop(owner: LabOwner): Promise<LabState> {
    const memory = this.#remember(owner);
    const user = await readHubUser(this.#deps.hub, owner.username);
    memory.failure = null;
    if (memory.start === null && user.phase === 'none') return this.#tell(memory, this.#derive(memory, user));
    memory.start?.end.abort();
    memory.start = null;
    if (!memory.stopping) {
      memory.stopping = true;
      void this.#finishStop(memory);
    }
    return this.#tell(memory, this.#plain('stopping'));
  }

  /** Calls the listener at each change of any user's state; returns what ends that. */
  onChange(listener: (userId: number, state: LabState) => void): () => void {
    this.#events.on('change', listener);
    return () => this.#events.off('change', listener);
  }

  close(): void {
    clearInterval(this.#watch);
    for (const memory of this.#users.values()) memory.start?.end.abort();
    this.#events.removeAllListeners();
  }

  #remember(owner: LabOwner): Memory {
    const known = this.#users.get(owner.username);
    if (known !== undefined && known.owner.userId === owner.userId) return known;
    const fresh: Memory = { owner, start: null, stopping: false, failure: null, told: '' };
    this.#users.set(owner.username, fresh);
    return fresh;
  }

  #beginStart(memory: Memory, askedAt: number): Start {
    const start: Start = { askedAt, step: 'queued', end: new AbortController() };
    memory.start = start;
    return start;
  }

  async #createUser({ username }: LabOwner): Promise<void> {
    const answer = await this.#deps.hub.call('POST', userPath(username));
    // 409: another portal was faster.
    if (answer.status !== 201 && answer.status !== 409) throw new HubRefused('POST user', answer.status, answer.body);
  }

  async #launch({ userId, username }: LabOwner, start: Start, capture: string): Promise<StartOutcome> {
    const options = { user_id: userId, capture_directory: capture };
    const { hub } = this.#deps;
    // The Hub answers only when the server is ready or after 10 s, so its progress is followed meanwhile.
    const asked = hub.call('POST', `${userPath(username)}/server`, options, { timeoutMs: longestStartMs });
    const watched = this.#follow(username, start, asked);
    watched.catch(() => {}); // ends by abort where the Hub's answer came first
    const answer = await asked;
    if (answer.status === 201) return { kind: 'ready' };
    if (answer.status === 202 || answer.status === 400) return watched;
    return { kind: 'failed', reason: reasonOf(field(answer.body, 'message')) };
  }

  /** Until the Hub has taken the request it knows of no start, which then is no verdict. */
  async #follow(username: string, start: Start, asked: Promise<unknown>): Promise<StartOutcome> {
    let answered = false;
    const settle = () => {
      answered = true;
    };
    asked.then(settle, settle);
    for (;;) {
      const outcome = await watchStart(
        this.#deps.hub,
        username,
        (step) => this.#reach(username, start, step),
        start.end.signal,
      );
      if (outcome.kind !== 'gone' || answered) return outcome;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #run(memory: Memory, start: Start, work: () => Promise<StartOutcome>): Promise<void> {
    const timer = setTimeout(() => start.end.abort(), longestStartMs).unref();
    let outcome: StartOutcome;
    try {
      outcome = await work();
    } catch (error) {
      const away = error instanceof HubUnavailable || error instanceof HubRefused;
      outcome = {
        kind: 'failed',
        reason: away ? 'JupyterHub went away during the start.' : 'The start took too long.',
      };
      this.#deps.log.warn(
        { err: error, username: memory.owner.username },
        'start of a JupyterLab could not be followed',
      );
    }
    clearTimeout(timer);
    start.end.abort();
    if (memory.start !== start) return; // cancelled meanwhile
    memory.start = null;
    if (outcome.kind === 'ready') {
      this.#durations.add(this.#now() - start.askedAt);
      this.#tell(memory, this.#plain('running'));
    } else if (outcome.kind === 'failed') {
      memory.failure = outcome.reason;
      this.#tell(memory, this.#failed(outcome.reason));
    } else this.#tell(memory, this.#plain('off'));
  }

  async #finishStop(memory: Memory): Promise<void> {
    const { hub } = this.#deps;
    const { username } = memory.owner;
    const deadline = performance.now() + longestStopMs;
    try {
      await hub.call('DELETE', `${userPath(username)}/server`, undefined, { timeoutMs: longestStopMs });
      while (performance.now() < deadline && (await readHubUser(hub, username)).phase !== 'none')
        await new Promise((resolve) => setTimeout(resolve, 200));
    } catch (error) {
      this.#deps.log.warn({ err: error, username }, 'stop of a JupyterLab could not be followed');
    }
    memory.stopping = false;
    await this.state(memory.owner).catch(() => {}); // Hub away: the watch tells later
  }

  #reach(username: string, start: Start, step: StartStep): void {
    const memory = this.#users.get(username);
    if (memory?.start !== start || start.step === step) return;
    start.step = step;
    this.#tell(memory, this.#starting(start));
  }

  #derive(memory: Memory, user: HubUser): LabState {
    if (memory.stopping) return this.#plain('stopping');
    if (memory.start === null && user.phase === 'starting') this.#adopt(memory, user);
    if (memory.start !== null) return this.#starting(memory.start);
    if (user.phase === 'stopping') return this.#plain('stopping');
    if (user.phase === 'ready') {
      memory.failure = null;
      return this.#plain('running');
    }
    return memory.failure === null ? this.#plain('off') : this.#failed(memory.failure);
  }

  /** A start that another portal, or this one before its restart, has asked for. */
  #adopt(memory: Memory, user: HubUser): void {
    const start = this.#beginStart(memory, user.startedAt?.getTime() ?? this.#now());
    const { hub } = this.#deps;
    const { username } = memory.owner;
    void this.#run(memory, start, () =>
      watchStart(hub, username, (step) => this.#reach(username, start, step), start.end.signal),
    );
  }

  async #look(): Promise<void> {
    const lively = [...this.#users.values()].filter(({ told }) => /"(running|starting|stopping)"/.test(told));
    if (this.#looking || lively.length === 0) return;
    this.#looking = true;
    try {
      const servers = await listHubServers(this.#deps.hub);
      for (const memory of lively) {
        const server = servers.get(memory.owner.username) ?? { phase: 'none' as const, startedAt: null };
        this.#tell(memory, this.#derive(memory, { exists: true, ...server }));
      }
    } catch {
      // The Hub is away: no news is no change.
    } finally {
      this.#looking = false;
    }
  }

  #tell(memory: Memory, state: LabState): LabState {
    const key = JSON.stringify([state.state, state.step, state.reason]);
    if (key !== memory.told) {
      memory.told = key;
      this.#events.emit('change', memory.owner.userId, state);
    }
    return state;
  }

  #plain(state: LabState['state']): LabState {
    return {
      state,
      step: null,
      elapsed_ms: null,
      typical_ms: this.#durations.median(),
      reason: null,
      protections: [...this.#deps.protections],
    };
  }

  #starting(start: Start): LabState {
    const elapsed_ms = Math.max(0, Math.round(this.#now() - start.askedAt));
    return { ...this.#plain('starting'), step: start.step, elapsed_ms };
  }

  #failed(reason: string): LabState {
    return { ...this.#plain('failed'), reason };
  }

  #now(): number {
    return this.#deps.clock.now().getTime();
  }
}

export function createLab(deps: LabDeps): Lab {
  return new Lab(deps);
}
