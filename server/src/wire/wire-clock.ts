/**
 * The gateway's clock for observations: RFC 3339 in UTC with microseconds. Two moments never get the same time, so that
 * fast cells keep their order in the log; a change of the machine's clock is followed at once.
 */
export type WireClock = () => string;

export function createWireClock(now: () => number = Date.now): WireClock {
  let last = 0;
  return () => {
    const micros = Math.max(now() * 1_000, last + 1);
    // Far ahead only after the machine's clock was set back: then its word counts more than the order.
    last = micros - now() * 1_000 > 1_000_000 ? now() * 1_000 : micros;
    const rest = String(last % 1_000).padStart(3, '0');
    return new Date(Math.floor(last / 1_000)).toISOString().replace('Z', `${rest}Z`);
  };
}
