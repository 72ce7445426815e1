import { Button, Skeleton } from '@mantine/core';
import type { api } from '@shaparak/contract';
import { IconDatabaseOff, IconUserOff } from '@tabler/icons-react';
import { useState } from 'react';
import { useLanguage } from '../../text/language';
import { Card } from '../../ui/card';
import { EmptyState } from '../../ui/empty-state';
import { NameFilter } from '../../ui/name-filter';
import { Table } from '../../ui/table';
import classes from './coverage.module.css';
import type { CoverageSearch } from './coverage-search';

export type CoveredUser = api.Coverage['users'][number];
const PAGE = 25;

interface CoveredUsersProps {
  users: CoveredUser[] | undefined;
  search: CoverageSearch;
  change: (next: CoverageSearch) => void;
}

/** Everybody who ran something in the period; who has findings stands first. */
export function CoveredUsers({ users, search, change }: CoveredUsersProps) {
  const { t, format } = useLanguage();
  const [shown, setShown] = useState(PAGE);
  const wanted = search.filter?.toLowerCase() ?? '';
  const found = users?.filter((user) => user.username.toLowerCase().includes(wanted));
  return (
    <Card title={t('coverage.users')}>
      {!users && <Skeleton height={220} radius="md" />}
      {users?.length === 0 && (
        <EmptyState icon={<IconDatabaseOff size={28} />} title={t('coverage.none.title')}>
          {t('coverage.none.text')}
        </EmptyState>
      )}
      {users && users.length > 0 && (
        <div className={classes.stack}>
          <NameFilter
            label={t('users.filter')}
            value={search.filter ?? ''}
            change={(filter) => {
              const { filter: _, ...rest } = search;
              change(filter ? { ...rest, filter } : rest);
            }}
            count={found && t('users.count', { count: format.number(found.length) })}
          />
          {found && found.length > 0 ? (
            <UsersTable users={found.slice(0, shown)} choose={(user) => change({ ...search, user })} />
          ) : (
            <EmptyState icon={<IconUserOff size={28} />} title={t('users.none.title')}>
              {t('users.none.text')}
            </EmptyState>
          )}
          {found && found.length > shown && (
            <Button className={classes.more} variant="default" onClick={() => setShown(shown + PAGE)}>
              {t('history.more')}
            </Button>
          )}
        </div>
      )}
    </Card>
  );
}

function UsersTable({ users, choose }: { users: CoveredUser[]; choose: (username: string) => void }) {
  const { t, format } = useLanguage();
  return (
    <Table label={t('coverage.users.table')}>
      <thead>
        <tr>
          <th scope="col">{t('users.name')}</th>
          <th scope="col">{t('coverage.executions')}</th>
          <th scope="col">{t('coverage.covered')}</th>
          <th scope="col">{t('coverage.share')}</th>
          <th scope="col">{t('coverage.findings')}</th>
        </tr>
      </thead>
      <tbody>
        {users.map(({ username, executions, covered, coverage, findings }) => (
          <tr key={username}>
            <th scope="row">
              <span className={`${classes.name} latin`}>{username}</span>
            </th>
            <td>{format.number(executions)}</td>
            <td>{format.number(covered)}</td>
            <td data-bad={(coverage !== null && coverage < 100) || undefined}>
              {coverage === null ? '—' : format.share(coverage)}
            </td>
            <td>
              {findings === 0 ? (
                format.number(0)
              ) : (
                <button
                  type="button"
                  className={classes.link}
                  aria-label={t('coverage.users.show', { count: format.number(findings), name: username })}
                  onClick={() => choose(username)}
                >
                  {format.number(findings)}
                </button>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}
