import type { api } from '@shaparak/contract';
import { IconArrowDown, IconArrowsSort, IconArrowUp } from '@tabler/icons-react';
import type { TextKey } from '../../text/fa';
import { useLanguage } from '../../text/language';
import { Table } from '../../ui/table';
import { useNow } from '../../ui/use-now';
import classes from './oversight.module.css';
import { firstOrder, type SortColumn, type UsersSearch } from './users-search';

const COLUMNS: [SortColumn, TextKey][] = [
  ['username', 'users.name'],
  ['total_executions', 'users.total'],
  ['today_executions', 'users.today'],
  ['error_count', 'users.errors'],
  ['avg_time_ms', 'users.mean'],
  ['last_active', 'users.last'],
];
const HALF_MINUTE_MS = 30_000;

interface UsersTableProps {
  users: api.UserActivity[];
  search: UsersSearch;
  change: (next: UsersSearch) => void;
}

export function UsersTable({ users, search, change }: UsersTableProps) {
  const { t } = useLanguage();
  const now = useNow(HALF_MINUTE_MS);
  const sorted = search.sort ?? 'total_executions';
  const order = search.order ?? firstOrder(sorted);
  const sortBy = (column: SortColumn) => {
    const { page: _, ...rest } = search;
    const turned = order === 'asc' ? 'desc' : 'asc';
    change({ ...rest, sort: column, order: column === sorted ? turned : firstOrder(column) });
  };
  return (
    <Table label={t('users.title')}>
      <thead>
        <tr>
          {COLUMNS.map(([column, key]) => (
            <SortHeader
              key={column}
              label={t(key)}
              order={column === sorted ? order : null}
              onClick={() => sortBy(column)}
            />
          ))}
          <th scope="col">{t('users.state')}</th>
        </tr>
      </thead>
      <tbody>
        {users.map((user) => (
          <UserRow key={user.username} user={user} now={now} />
        ))}
      </tbody>
    </Table>
  );
}

function SortHeader({ label, order, onClick }: { label: string; order: 'asc' | 'desc' | null; onClick: () => void }) {
  const Icon = order === null ? IconArrowsSort : order === 'asc' ? IconArrowUp : IconArrowDown;
  const sort = order === null ? 'none' : order === 'asc' ? 'ascending' : 'descending';
  return (
    <th scope="col" aria-sort={sort}>
      <button type="button" className={classes.sort} data-active={order !== null || undefined} onClick={onClick}>
        {label}
        <Icon size={14} aria-hidden="true" />
      </button>
    </th>
  );
}

function UserRow({ user, now }: { user: api.UserActivity; now: number }) {
  const { t, format } = useLanguage();
  return (
    <tr>
      <th scope="row">
        <span className={classes.user}>
          <span className={classes.avatar} aria-hidden="true">
            {user.username.slice(0, 1).toUpperCase()}
          </span>
          <span>
            <span className="latin">{user.username}</span>
            <span className={classes.role}>{t(`role.${user.role}`)}</span>
          </span>
        </span>
      </th>
      <td>{format.number(user.total_executions)}</td>
      <td>{format.number(user.today_executions)}</td>
      <td data-bad={user.error_count > 0 || undefined}>{format.number(user.error_count)}</td>
      <td>{user.avg_time_ms === null ? '—' : format.duration(user.avg_time_ms)}</td>
      <td>
        {user.last_active ? (
          <time dateTime={user.last_active} title={format.dateTime(user.last_active)}>
            {format.ago(user.last_active, now)}
          </time>
        ) : (
          t('users.never')
        )}
      </td>
      <td>
        <span className={classes.account} data-disabled={user.disabled || undefined}>
          {t(user.disabled ? 'users.disabled' : 'users.enabled')}
        </span>
      </td>
    </tr>
  );
}
