// Watches whether one kernel's sensor really reports, by asking the lab host's gateway (GET /capture/<kernel_id>): never
// the kernel itself, whose answers user code can imitate.
//
// States, in the order in which they are told to `onChange`:
//   waiting    a kernel (re)start was seen, its sensor is not confirmed yet
//   reporting  the gateway confirms an instance that is not the one from before the restart
//   failed     it was not confirmed within PATIENCE, or a confirmed one fell silent; `reason` says what is wrong
// waiting -> reporting | failed; reporting -> failed; failed -> reporting; any -> waiting (restart). Always true:
// "reporting" is shown only while the last answer of the gateway said so; silence of the gateway is a failure too.

/** After this long without a confirmation the person is told. A kernel needs 0.4-2 s, a loaded machine more. */
const PATIENCE_MS = 20_000;
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 2_000;
const GROWTH = 1.5;
/** The gateway itself needs 45 s to call a sensor silent: asking more often would show nothing sooner. */
const SLOW_DELAY_MS = 10_000;

const realClock = {
  now: () => performance.now(),
  setTimeout: (work, delay) => window.setTimeout(work, delay),
  clearTimeout: (timer) => window.clearTimeout(timer),
};

/**
 * Starts watching; `begin()` is called for every kernel start and restart, `close()` when the notebook closes.
 * `ask(kernelId)` resolves to the gateway's answer or to `{reporting: false, reason}`, and never rejects.
 */
export function watchCapture({ kernelId, ask, onChange, clock = realClock }) {
  let heard = null; // the instance of the last confirmed start: after a restart it no longer counts
  let before = null;
  let startedAt = 0;
  let delay = FIRST_DELAY_MS;
  let state = 'waiting';
  let timer;
  let round = 0; // an answer that belongs to an earlier start is ignored

  function tell(next, answer) {
    state = next;
    onChange({
      state: next,
      username: answer?.username ?? null,
      instance: answer?.instance ?? null,
      reason: answer?.reason ?? null,
    });
  }

  function nextDelay() {
    if (state !== 'waiting') return SLOW_DELAY_MS;
    delay = Math.min(delay * GROWTH, LONGEST_DELAY_MS);
    return delay;
  }

  function judge(answer) {
    const confirmed = answer.reporting === true && answer.instance !== null && answer.instance !== before;
    if (confirmed) {
      // Another instance without a restart that we saw: somebody else restarted this kernel.
      const isNews = state !== 'reporting' || answer.instance !== heard;
      heard = answer.instance;
      if (isNews) tell('reporting', answer);
    } else if (state === 'reporting' || clock.now() - startedAt >= PATIENCE_MS) {
      // An old instance that still counts as reporting has no reason of its own.
      tell('failed', { ...answer, reason: answer.reason ?? 'no-sensor' });
    }
  }

  async function check(own) {
    const answer = await ask(kernelId);
    if (own !== round) return;
    judge(answer);
    timer = clock.setTimeout(() => void check(own), nextDelay());
  }

  function begin() {
    clock.clearTimeout(timer);
    round += 1;
    before = heard;
    startedAt = clock.now();
    delay = FIRST_DELAY_MS;
    tell('waiting', null);
    void check(round);
  }

  return {
    kernelId,
    begin,
    close() {
      round += 1;
      clock.clearTimeout(timer);
    },
  };
}

/** Asks the page's own origin, with the lab's own cookie; every failure becomes a reason. */
export async function askGateway(kernelId) {
  try {
    const response = await fetch(`/capture/${encodeURIComponent(kernelId)}`, {
      cache: 'no-store',
      credentials: 'same-origin',
      headers: { Accept: 'application/json' },
      signal: AbortSignal.timeout(8_000),
    });
    if (response.status === 401 || response.status === 403) return failure('signed-out');
    if (response.status === 404) return failure('no-sensor');
    if (!response.ok) return failure('unreachable');
    const answer = await response.json();
    return isStatus(answer, kernelId) ? answer : failure('unreachable');
  } catch {
    return failure('unreachable');
  }
}

function failure(reason) {
  return { reporting: false, instance: null, username: null, reason };
}

function isStatus(answer, kernelId) {
  return (
    typeof answer === 'object' &&
    answer !== null &&
    answer.kernel_id === kernelId &&
    typeof answer.username === 'string' &&
    typeof answer.reporting === 'boolean'
  );
}
