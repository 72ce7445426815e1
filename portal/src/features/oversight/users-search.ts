import type { api } from '@shaparak/contract';

const SORT_COLUMNS = [
  'username',
  'total_executions',
  'today_executions',
  'error_count',
  'avg_time_ms',
  'last_active',
] as const;
export type SortColumn = (typeof SORT_COLUMNS)[number];

/** What the address of the users page holds: /portal/admin/users?filter=ali&sort=error_count&order=desc&page=2 */
export interface UsersSearch {
  filter?: string;
  sort?: SortColumn;
  order?: 'asc' | 'desc';
  page?: number;
}

/** Takes what is usable from an address that a person may have edited; nothing in it is an error. */
export function readUsersSearch(raw: Record<string, unknown>): UsersSearch {
  const search: UsersSearch = {};
  if ((typeof raw.filter === 'string' || typeof raw.filter === 'number') && raw.filter !== '')
    search.filter = String(raw.filter).slice(0, 255);
  const sort = SORT_COLUMNS.find((column) => column === raw.sort);
  if (sort) search.sort = sort;
  if (raw.order === 'asc' || raw.order === 'desc') search.order = raw.order;
  const page = Number(raw.page);
  if (Number.isSafeInteger(page) && page > 1) search.page = page;
  return search;
}

/** Filters and sorts everybody, not only the page that is seen; who has no value stands last in both orders. */
export function arrangeUsers(users: api.UserActivity[], { filter, sort, order }: UsersSearch): api.UserActivity[] {
  const wanted = filter?.toLowerCase();
  const found = wanted ? users.filter((user) => user.username.toLowerCase().includes(wanted)) : [...users];
  const column = sort ?? 'total_executions';
  const sign = (order ?? firstOrder(column)) === 'asc' ? 1 : -1;
  return found.sort(
    (left, right) => compare(left[column], right[column], sign) || (left.username < right.username ? -1 : 1),
  );
}

/** Names begin with A, numbers with the largest. */
export function firstOrder(column: SortColumn): 'asc' | 'desc' {
  return column === 'username' ? 'asc' : 'desc';
}

function compare(left: string | number | null, right: string | number | null, sign: 1 | -1): number {
  if (left === null || right === null) return Number(left === null) - Number(right === null);
  if (left === right) return 0;
  return left < right ? -sign : sign;
}
