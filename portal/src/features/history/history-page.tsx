import { Button } from '@mantine/core';
import type { api } from '@shaparak/contract';
import { IconArrowUp, IconHistory, IconSearchOff } from '@tabler/icons-react';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef } from 'react';
import { useLanguage } from '../../text/language';
import { EmptyState } from '../../ui/empty-state';
import { ErrorState } from '../../ui/error-state';
import { ExecutionSkeletons } from '../../ui/execution-skeleton';
import { Page } from '../../ui/page';
import { PAGE, SEARCH_MAX, useLogsQuery, useSearchQuery } from './api';
import { FilterBar } from './filter-bar';
import { type HistoryItem, HistoryList } from './history-list';
import classes from './history-page.module.css';
import type { HistorySearch } from './history-search';
import { useFreshCount } from './use-fresh-count';

/** Everything that the person ever ran: the log in pages, or a search in it. The address holds the whole state. */
export function HistoryPage() {
  const { t } = useLanguage();
  const search = useSearch({ from: '/inside/history' });
  const navigate = useNavigate({ from: '/history' });
  const change = (next: HistorySearch) => void navigate({ search: next, replace: true, resetScroll: false });
  return (
    <Page title={t('history.title')} lead={t('history.lead')}>
      <FilterBar search={search} change={change} />
      {search.query && search.query.length >= 2 ? (
        <SearchResults query={search.query} search={search} change={change} />
      ) : (
        <Log search={search} change={change} />
      )}
    </Page>
  );
}

interface PartProps {
  search: HistorySearch;
  change: (next: HistorySearch) => void;
}

function Log({ search, change }: PartProps) {
  const { t, format } = useLanguage();
  const logs = useLogsQuery(search.status, search.shown ?? PAGE, true);
  const fresh = useFreshCount(search.status);
  const entries = logs.data?.pages.flatMap((page) => page.logs) ?? [];
  const total = logs.data?.pages[0]?.total ?? 0;
  const shown = useRef(search.shown);

  useEffect(() => {
    if (entries.length > PAGE && entries.length !== shown.current && logs.data && logs.data.pages.length > 1) {
      shown.current = entries.length;
      change({ ...search, shown: entries.length });
    }
  });
  const showFresh = () => {
    fresh.reset();
    void logs.refetch();
  };

  if (logs.error && !logs.data) return <ErrorState error={logs.error} retry={logs.refetch} />;
  if (!logs.data) return <ExecutionSkeletons count={5} />;
  if (entries.length === 0 && fresh.count === 0) return search.status ? <NothingFound change={change} /> : <Empty />;
  return (
    <>
      <Summary>{!search.status && t('history.total', { count: format.number(total) })}</Summary>
      {fresh.count > 0 && <FreshPill count={fresh.count} onClick={showFresh} />}
      <HistoryList items={entries.map(ofLog)} />
      {logs.hasNextPage ? (
        <More isLoading={logs.isFetchingNextPage} onClick={() => void logs.fetchNextPage()} />
      ) : (
        <p className={classes.end}>{t('history.end')}</p>
      )}
    </>
  );
}

function SearchResults({ query, search, change }: PartProps & { query: string }) {
  const { t, format } = useLanguage();
  const limit = search.shown ?? PAGE;
  const found = useSearchQuery(query, search.status, limit);
  const fresh = useFreshCount(search.status, query);
  if (found.error && !found.data) return <ErrorState error={found.error} retry={found.refetch} />;
  if (!found.data) return <ExecutionSkeletons count={3} />;
  const { results } = found.data;
  if (results.length === 0) return <NothingFound change={change} />;
  const isFull = results.length >= limit;
  const showFresh = () => {
    fresh.reset();
    void found.refetch();
  };
  return (
    <>
      <Summary>
        {t(isFull ? 'history.found.more' : 'history.found', {
          count: format.number(results.length),
          query: found.data.query,
        })}
      </Summary>
      {fresh.count > 0 && <FreshPill count={fresh.count} onClick={showFresh} />}
      <HistoryList items={results.map(ofActivity)} match={query} />
      {isFull && limit < SEARCH_MAX && (
        <More
          isLoading={found.isPlaceholderData}
          onClick={() => change({ ...search, shown: Math.min(limit * 3, SEARCH_MAX) })}
        />
      )}
      {limit >= SEARCH_MAX && isFull && (
        <p className={classes.end}>{t('history.limit', { count: format.number(SEARCH_MAX) })}</p>
      )}
    </>
  );
}

const ofLog = (entry: api.LogEntry): HistoryItem => ({
  execution: entry,
  code: entry.code_preview,
  error: entry.error_preview,
  full: null,
});
const ofActivity = (activity: api.Activity): HistoryItem => ({
  execution: activity,
  code: activity.code,
  error: activity.error_message,
  full: activity,
});

function Summary({ children }: { children: ReactNode }) {
  return (
    <p className={classes.summary} role="status">
      {children}
    </p>
  );
}

function FreshPill({ count, onClick }: { count: number; onClick: () => void }) {
  const { t, format } = useLanguage();
  return (
    <Button className={classes.fresh} radius="xl" size="sm" leftSection={<IconArrowUp size={16} />} onClick={onClick}>
      {t('history.fresh', { count: format.number(count) })}
    </Button>
  );
}

function More({ isLoading, onClick }: { isLoading: boolean; onClick: () => void }) {
  const { t } = useLanguage();
  return (
    <Button className={classes.more} variant="default" loading={isLoading} onClick={onClick}>
      {t('history.more')}
    </Button>
  );
}

function Empty() {
  const { t } = useLanguage();
  return (
    <EmptyState
      icon={<IconHistory size={28} />}
      title={t('history.empty.title')}
      action={
        <Link to="/" className={classes.action}>
          {t('history.empty.action')}
        </Link>
      }
    >
      {t('history.empty.text')}
    </EmptyState>
  );
}

function NothingFound({ change }: { change: PartProps['change'] }) {
  const { t } = useLanguage();
  return (
    <EmptyState
      icon={<IconSearchOff size={28} />}
      title={t('history.none.title')}
      action={
        <Button variant="default" onClick={() => change({})}>
          {t('history.none.action')}
        </Button>
      }
    >
      {t('history.none.text')}
    </EmptyState>
  );
}
