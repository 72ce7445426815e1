import { ActionIcon, Skeleton } from '@mantine/core';
import { IconChevronLeft, IconChevronRight, IconUserOff } from '@tabler/icons-react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useLanguage } from '../../text/language';
import { EmptyState } from '../../ui/empty-state';
import { ErrorState } from '../../ui/error-state';
import { NameFilter } from '../../ui/name-filter';
import { Page } from '../../ui/page';
import { useUsersActivityQuery } from './api';
import classes from './oversight.module.css';
import { arrangeUsers, type UsersSearch } from './users-search';
import { UsersTable } from './users-table';

const PAGE = 50;

/** Who works how much, in numbers; what they wrote is theirs. */
export function UsersPage() {
  const { t, format } = useLanguage();
  const search = useSearch({ from: '/inside/admin/users' });
  const navigate = useNavigate({ from: '/admin/users' });
  const { data, error, refetch } = useUsersActivityQuery();
  const change = (next: UsersSearch) => void navigate({ search: next, replace: true, resetScroll: false });
  const arranged = data && arrangeUsers(data, search);
  const pages = Math.max(1, Math.ceil((arranged?.length ?? 0) / PAGE));
  const page = Math.min(search.page ?? 1, pages);
  return (
    <Page title={t('users.title')} lead={t('users.lead')}>
      <NameFilter
        label={t('users.filter')}
        value={search.filter ?? ''}
        change={(filter) => {
          const { page: _, filter: __, ...rest } = search;
          change(filter ? { ...rest, filter } : rest);
        }}
        count={arranged && t('users.count', { count: format.number(arranged.length) })}
      />
      {error && !data && <ErrorState error={error} retry={refetch} />}
      {!error && !data && <Skeleton height={320} radius={16} />}
      {arranged && arranged.length > 0 && (
        <UsersTable users={arranged.slice((page - 1) * PAGE, page * PAGE)} search={search} change={change} />
      )}
      {arranged?.length === 0 && (
        <EmptyState icon={<IconUserOff size={28} />} title={t('users.none.title')}>
          {t('users.none.text')}
        </EmptyState>
      )}
      {pages > 1 && <Pager page={page} pages={pages} go={(to) => change({ ...search, page: to })} />}
    </Page>
  );
}

function Pager({ page, pages, go }: { page: number; pages: number; go: (page: number) => void }) {
  const { t, format, direction } = useLanguage();
  const [Back, On] = direction === 'rtl' ? [IconChevronRight, IconChevronLeft] : [IconChevronLeft, IconChevronRight];
  return (
    <div className={classes.pager}>
      <ActionIcon variant="default" disabled={page <= 1} aria-label={t('users.previous')} onClick={() => go(page - 1)}>
        <Back size={18} />
      </ActionIcon>
      {t('users.page', { page: format.number(page), pages: format.number(pages) })}
      <ActionIcon variant="default" disabled={page >= pages} aria-label={t('users.next')} onClick={() => go(page + 1)}>
        <On size={18} />
      </ActionIcon>
    </div>
  );
}
