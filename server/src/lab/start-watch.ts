/** Follows one start of a user's server to its end through the Hub's progress events. */
import { setTimeout as delay } from 'node:timers/promises';
import type { HubClient } from './hub-client.js';
import { field, readHubUser, userPath } from './hub-user.js';

export type StartStep = 'queued' | 'preparing' | 'launching' | 'connecting';
export type StartOutcome = { kind: 'ready' } | { kind: 'failed'; reason: string } | { kind: 'gone' };

const steps: Readonly<Record<string, StartStep>> = {
  prepare: 'preparing',
  launch: 'launching',
  boot: 'launching',
  answer: 'connecting',
};

const retryMs = 100;

/**
 * Resolves when the server is ready, has failed, or is not being started any more. The Hub knows no progress for some
 * milliseconds after a start was asked for and ends the stream when it restarts: so the stream is opened again until the
 * Hub's own word about the server is final. @throws HubUnavailable when the Hub stays away; the signal's reason on abort
 */
export async function watchStart(
  hub: HubClient,
  username: string,
  onStep: (step: StartStep) => void,
  signal: AbortSignal,
): Promise<StartOutcome> {
  for (;;) {
    signal.throwIfAborted();
    const outcome = await followOnce(hub, username, onStep, signal);
    if (outcome !== null) return outcome;
    signal.throwIfAborted();
    const { phase } = await readHubUser(hub, username);
    if (phase === 'ready') return { kind: 'ready' };
    if (phase !== 'starting') return { kind: 'gone' };
    await delay(retryMs, undefined, { signal });
  }
}

async function followOnce(
  hub: HubClient,
  username: string,
  onStep: (step: StartStep) => void,
  signal: AbortSignal,
): Promise<StartOutcome | null> {
  try {
    for await (const event of hub.follow(`${userPath(username)}/server/progress`, signal)) {
      if (field(event, 'ready') === true) return { kind: 'ready' };
      if (field(event, 'failed') === true) return { kind: 'failed', reason: reasonOf(field(event, 'message')) };
      const step = steps[String(field(event, 'step'))];
      if (step !== undefined) onStep(step);
    }
  } catch {
    // No stream: what the Hub says about the user decides.
  }
  return null;
}

/** The Hub puts "Spawn failed: " before what the spawner says; people get the spawner's sentence. */
export function reasonOf(message: unknown): string {
  const text = typeof message === 'string' ? message.replace(/^Spawn failed:\s*/, '').trim() : '';
  return text === '' ? 'The server did not start; the log of JupyterHub says more.' : text.slice(0, 4000);
}
