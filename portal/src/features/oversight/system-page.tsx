import { Skeleton } from '@mantine/core';
import type { api } from '@shaparak/contract';
import {
  IconAlertTriangle,
  IconCalendarCheck,
  IconClockHour4,
  IconMoodSmile,
  IconSum,
  IconUsers,
} from '@tabler/icons-react';
import { useLanguage } from '../../text/language';
import { Card } from '../../ui/card';
import { CodeView, Visible } from '../../ui/code-view';
import { EmptyState } from '../../ui/empty-state';
import { ErrorState } from '../../ui/error-state';
import { Page } from '../../ui/page';
import { Tile, Tiles } from '../../ui/tile';
import { useSystemStatsQuery } from './api';
import classes from './oversight.module.css';

/** The whole system in numbers, with previews of the last errors. */
export function SystemPage() {
  const { t } = useLanguage();
  const { data, error, refetch } = useSystemStatsQuery();
  return (
    <Page title={t('system.title')} lead={t('system.lead')}>
      {error && !data ? (
        <ErrorState error={error} retry={refetch} />
      ) : (
        <>
          <SystemTiles stats={data} />
          <div className={classes.columns}>
            <TopUsers users={data?.top_users} />
            <RecentErrors errors={data?.recent_errors} />
          </div>
        </>
      )}
    </Page>
  );
}

function SystemTiles({ stats }: { stats: api.SystemStats | undefined }) {
  const { t, format } = useLanguage();
  const mean = stats?.avg_execution_time_ms == null ? null : format.quantity(stats.avg_execution_time_ms);
  const rate = stats && stats.total_executions > 0 ? (100 * stats.total_errors) / stats.total_executions : null;
  return (
    <Tiles label={t('system.title')} isMany>
      <Tile
        label={t('system.today')}
        icon={<IconCalendarCheck size={18} />}
        value={stats && format.number(stats.today_executions)}
      />
      <Tile
        label={t('system.total')}
        icon={<IconSum size={18} />}
        tone="violet"
        value={stats && format.number(stats.total_executions)}
      />
      <Tile
        label={t('system.users')}
        icon={<IconUsers size={18} />}
        tone="good"
        value={stats && format.number(stats.active_users)}
      />
      <Tile
        label={t('system.errors')}
        icon={<IconAlertTriangle size={18} />}
        tone="warn"
        value={stats && format.number(stats.total_errors)}
        note={rate !== null && format.percent(rate)}
      />
      <Tile
        label={t('system.mean')}
        icon={<IconClockHour4 size={18} />}
        value={stats && (mean?.value ?? '—')}
        {...(mean ? { unit: mean.unit } : {})}
      />
    </Tiles>
  );
}

function TopUsers({ users }: { users: api.SystemStats['top_users'] | undefined }) {
  const { t, format } = useLanguage();
  const top = Math.max(1, ...(users ?? []).map((user) => user.executions));
  return (
    <Card title={t('system.top')}>
      {!users && <Skeleton height={220} radius="md" />}
      {users?.length === 0 && <EmptyState icon={<IconUsers size={28} />} title={t('system.top.empty')} />}
      <ol className={classes.bars}>
        {users?.map((user) => (
          <li key={user.username}>
            <span className="latin">{user.username}</span>
            <span>{format.number(user.executions)}</span>
            <span className={classes.track} aria-hidden="true">
              <span style={{ inlineSize: `${(100 * user.executions) / top}%` }} />
            </span>
          </li>
        ))}
      </ol>
    </Card>
  );
}

function RecentErrors({ errors }: { errors: api.SystemStats['recent_errors'] | undefined }) {
  const { t, format } = useLanguage();
  return (
    <Card title={t('system.recent')}>
      {!errors && <Skeleton height={220} radius="md" />}
      {errors?.length === 0 && <EmptyState icon={<IconMoodSmile size={28} />} title={t('system.recent.empty')} />}
      {errors && errors.length > 0 && <p className={classes.note}>{t('system.preview')}</p>}
      <ul className={classes.errors}>
        {errors?.map((error) => (
          <li key={`${error.username} ${error.timestamp} ${error.code_preview}`}>
            <p className={classes.errorHead}>
              <span className="latin">{error.username}</span>
              <time dateTime={error.timestamp}>{format.dateTime(error.timestamp)}</time>
            </p>
            <CodeView code={error.code_preview} label={t('execution.code')} excerpt={{ from: 0, count: 4 }} />
            {error.error && (
              <p className={classes.errorText} dir="ltr">
                <Visible text={error.error} />
              </p>
            )}
          </li>
        ))}
      </ul>
    </Card>
  );
}
