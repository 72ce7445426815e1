/** What the address of the home page holds: /portal/?days=30 */
export interface HomeSearch {
  days?: 30 | 90;
}

/** A week is the ordinary period and stands in no address. */
export function readHomeSearch(raw: Record<string, unknown>): HomeSearch {
  const days = Number(raw.days);
  return days === 30 || days === 90 ? { days } : {};
}
