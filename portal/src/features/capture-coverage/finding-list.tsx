import { Button, NativeSelect, Skeleton } from '@mantine/core';
import { IconArrowUp, IconSearchOff, IconShieldCheck } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useLanguage } from '../../text/language';
import { Card } from '../../ui/card';
import { EmptyState } from '../../ui/empty-state';
import { ErrorState } from '../../ui/error-state';
import { useNow } from '../../ui/use-now';
import { useFindingCountsQuery, useFindingsQuery } from './api';
import classes from './coverage.module.css';
import type { CoverageSearch } from './coverage-search';
import type { CoveredUser } from './covered-users';
import { FindingCard } from './finding-card';
import type { FindingKind } from './findings';

const HALF_MINUTE_MS = 30_000;

interface FindingListProps {
  users: CoveredUser[] | undefined;
  /** in the period; undefined while it is being read */
  isAnythingCaptured: boolean | undefined;
  search: CoverageSearch;
  change: (next: CoverageSearch) => void;
}

/** What does not fit between the witnesses, newest first, of all times. */
export function FindingList({ users, isAnythingCaptured, search, change }: FindingListProps) {
  const { t, format } = useLanguage();
  const now = useNow(HALF_MINUTE_MS);
  const { kind, user } = search;
  const list = useFindingsQuery({ kind, user });
  const counts = useFindingCountsQuery(user);
  const findings = list.data?.pages.flatMap((page) => page.findings);
  const total = list.data?.pages[0]?.total ?? 0;
  const present = kind ? counts.data?.by_kind.find((one) => one.kind === kind)?.count : counts.data?.total;
  const fresh = list.isPlaceholderData || !list.data || list.data.pages.length === 1 ? 0 : (present ?? 0) - total;
  const isFiltered = kind !== undefined || user !== undefined;
  const withoutFilters = () => {
    const { kind: _, user: __, ...rest } = search;
    change(rest);
  };
  return (
    <Card title={t('findings.title')}>
      <p className={classes.note}>{t('findings.lead')}</p>
      {(isFiltered || total > 0) && <Filters users={users} counts={counts.data} search={search} change={change} />}
      {list.error && !list.data && <ErrorState error={list.error} retry={list.refetch} />}
      {!list.error && !findings && <Skeleton height={260} radius="md" />}
      {findings?.length === 0 && (
        <NoFindings isFiltered={isFiltered} isAnythingCaptured={isAnythingCaptured} clear={withoutFilters} />
      )}
      {fresh > 0 && (
        <Button
          className={classes.fresh}
          radius="xl"
          size="sm"
          leftSection={<IconArrowUp size={16} />}
          onClick={() => void list.refetch()}
        >
          {t('findings.fresh', { count: format.number(fresh) })}
        </Button>
      )}
      <ul className={classes.list} aria-busy={list.isPlaceholderData || undefined}>
        {findings?.map((finding) => (
          <li key={finding.id}>
            <FindingCard finding={finding} now={now} />
          </li>
        ))}
      </ul>
      {list.hasNextPage && (
        <Button
          className={classes.more}
          variant="default"
          loading={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
        >
          {t('history.more')}
        </Button>
      )}
    </Card>
  );
}

interface NoFindingsProps {
  isFiltered: boolean;
  isAnythingCaptured: boolean | undefined;
  clear: () => void;
}

function NoFindings({ isFiltered, isAnythingCaptured, clear }: NoFindingsProps) {
  const { t } = useLanguage();
  if (isFiltered)
    return (
      <EmptyState
        icon={<IconSearchOff size={28} />}
        title={t('findings.none.title')}
        action={
          <Button variant="default" onClick={clear}>
            {t('history.none.action')}
          </Button>
        }
      />
    );
  return (
    <EmptyState icon={<IconShieldCheck size={28} />} title={t('findings.empty.title')}>
      {isAnythingCaptured && t('findings.empty.text')}
    </EmptyState>
  );
}

interface FiltersProps extends Pick<FindingListProps, 'users' | 'search' | 'change'> {
  counts: { by_kind: { kind: FindingKind; count: number }[]; total: number } | undefined;
}

function Filters({ users, counts, search, change }: FiltersProps) {
  const { t, format } = useLanguage();
  const { kind: _, ...ofAnyKind } = search;
  const { user: __, ...ofAnybody } = search;
  // a kind that was chosen by the address stays among the choices when there is none of it
  const kinds = counts?.by_kind ?? [];
  const isMissing = search.kind && !kinds.some((one) => one.kind === search.kind);
  const all = search.kind && isMissing ? [...kinds, { kind: search.kind, count: 0 }] : kinds;
  const names = new Set(users?.filter((one) => one.findings > 0).map((one) => one.username));
  if (search.user) names.add(search.user);
  return (
    <div className={classes.filters}>
      <fieldset className={classes.kinds}>
        <legend className="visually-hidden">{t('findings.kind')}</legend>
        <Choice isChosen={!search.kind} choose={() => change(ofAnyKind)}>
          {t('app.all')} <span className={classes.count}>{format.number(counts?.total ?? 0)}</span>
        </Choice>
        {all.map(({ kind, count }) => (
          <Choice
            key={kind}
            isChosen={kind === search.kind}
            choose={() => change(kind === search.kind ? ofAnyKind : { ...search, kind })}
          >
            {t(`finding.${kind}`)} <span className={classes.count}>{format.number(count)}</span>
          </Choice>
        ))}
      </fieldset>
      <NativeSelect
        className={classes.people}
        size="sm"
        aria-label={t('findings.user')}
        value={search.user ?? ''}
        data={[
          { value: '', label: t('findings.user.all') },
          ...[...names].sort().map((name) => ({ value: name, label: name })),
        ]}
        onChange={(event) => {
          const user = event.currentTarget.value;
          change(user ? { ...search, user } : ofAnybody);
        }}
      />
    </div>
  );
}

function Choice({ isChosen, choose, children }: { isChosen: boolean; choose: () => void; children: ReactNode }) {
  return (
    <button type="button" className={classes.choice} aria-pressed={isChosen} onClick={choose}>
      {children}
    </button>
  );
}
