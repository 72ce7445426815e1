import type { api } from '@shaparak/contract';
import { PAGE } from './api';

/** What the address of the history page holds: /portal/history?query=pandas&status=error&shown=60 */
export interface HistorySearch {
  query?: string;
  status?: api.Status;
  /** how many cards were shown */
  shown?: number;
}

/** Takes what is usable from an address that a person may have edited; nothing in it is an error. */
export function readHistorySearch(raw: Record<string, unknown>): HistorySearch {
  const search: HistorySearch = {};
  // the router reads `?query=123` as a number
  const query = typeof raw.query === 'string' || typeof raw.query === 'number' ? String(raw.query) : '';
  if (query) search.query = query.slice(0, 10_000);
  if (raw.status === 'success' || raw.status === 'error') search.status = raw.status;
  const shown = Number(raw.shown);
  if (Number.isInteger(shown) && shown > PAGE) search.shown = Math.min(shown, 1_000);
  return search;
}
