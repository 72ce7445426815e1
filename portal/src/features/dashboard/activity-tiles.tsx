import type { api } from '@shaparak/contract';
import { IconCalendarCheck, IconClockHour4, IconSum, IconTargetArrow } from '@tabler/icons-react';
import { useLanguage } from '../../text/language';
import { ErrorState } from '../../ui/error-state';
import { Tile, Tiles } from '../../ui/tile';
import { useNow } from '../../ui/use-now';
import classes from './activity-tiles.module.css';
import { useDashboardQuery, useStatsQuery } from './api';
import { Sparkline } from './sparkline';

type Stats = api.Dashboard['stats'];
const WEEK = 7;
const MINUTE_MS = 60_000;

/** The four numbers of the seed. */
export function ActivityTiles() {
  const { t } = useLanguage();
  const { data: stats, error, refetch } = useDashboardQuery();
  if (error && !stats) return <ErrorState error={error} retry={refetch} />;
  return (
    <Tiles label={t('tile.region')}>
      <TodayTile stats={stats} />
      <TotalTile stats={stats} />
      <SuccessTile stats={stats} />
      <MeanTile stats={stats} />
    </Tiles>
  );
}

function TodayTile({ stats }: { stats: Stats | undefined }) {
  const { t, format } = useLanguage();
  const { data: week } = useStatsQuery(WEEK);
  const more = stats && stats.today_executions - stats.yesterday_executions;
  const note = () => {
    if (!more) return t('tile.today.same');
    return t(more > 0 ? 'tile.today.more' : 'tile.today.less', { count: format.number(Math.abs(more)) });
  };
  return (
    <Tile
      label={t('tile.today')}
      icon={<IconCalendarCheck size={18} />}
      value={stats && format.number(stats.today_executions)}
      note={stats && note()}
      noteTone={more && more > 0 ? 'good' : undefined}
      extra={
        week?.some((day) => day.executions > 0) && <Sparkline values={week.map((day) => day.executions).reverse()} />
      }
    />
  );
}

function TotalTile({ stats }: { stats: Stats | undefined }) {
  const { t, format } = useLanguage();
  const now = useNow(MINUTE_MS / 2);
  const note = stats?.last_execution
    ? t('tile.total.last', { ago: format.ago(stats.last_execution, now) })
    : t('tile.total.none');
  return (
    <Tile
      label={t('tile.total')}
      icon={<IconSum size={18} />}
      tone="violet"
      value={stats && format.number(stats.total_executions)}
      note={stats && note}
    />
  );
}

function SuccessTile({ stats }: { stats: Stats | undefined }) {
  const { t, format } = useLanguage();
  const note = stats?.total_errors
    ? t('tile.success.errors', { count: format.number(stats.total_errors) })
    : t('tile.success.none');
  return (
    <Tile
      label={t('tile.success')}
      icon={<IconTargetArrow size={18} />}
      tone="good"
      value={stats && format.percent(stats.success_rate)}
      note={stats && (stats.total_executions > 0 ? note : t('tile.total.none'))}
      noteTone={stats?.total_errors ? 'bad' : undefined}
      extra={
        stats &&
        stats.total_executions > 0 && (
          <span className={classes.rate} aria-hidden="true">
            <span style={{ inlineSize: `${stats.success_rate}%` }} />
          </span>
        )
      }
    />
  );
}

function MeanTile({ stats }: { stats: Stats | undefined }) {
  const { t, format } = useLanguage();
  const { data: week } = useStatsQuery(WEEK);
  const mean = stats && stats.avg_execution_time_ms !== null ? format.quantity(stats.avg_execution_time_ms) : null;
  const today = week?.[0]?.avg_time_ms;
  return (
    <Tile
      label={t('tile.mean')}
      icon={<IconClockHour4 size={18} />}
      tone="warn"
      value={stats && (mean?.value ?? '—')}
      {...(mean ? { unit: mean.unit } : {})}
      note={today == null ? t('tile.mean.none') : t('tile.mean.today', { duration: format.duration(today) })}
    />
  );
}
