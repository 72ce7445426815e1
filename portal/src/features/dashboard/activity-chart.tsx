import { SegmentedControl, Skeleton } from '@mantine/core';
import type { api } from '@shaparak/contract';
import { lazy, Suspense } from 'react';
import { useLanguage } from '../../text/language';
import { Card } from '../../ui/card';
import { ErrorState } from '../../ui/error-state';
import classes from './activity-chart.module.css';
import { useStatsQuery } from './api';

const PERIODS = [7, 30, 90] as const;
// 60 kB of Chart.js that the first paint does not need
const DailyChart = lazy(() => import('./daily-chart'));

/** Executions and errors per day, as a picture and as a table for who cannot see it. */
export function ActivityChart({ days, change }: { days: number; change: (days: number) => void }) {
  const { t, format } = useLanguage();
  const { data, error, refetch } = useStatsQuery(days);
  const periods = PERIODS.map((period) => ({
    value: String(period),
    label: t('chart.days', { days: format.number(period) }),
  }));
  const isEmpty = data?.every((day) => day.executions === 0);
  return (
    <Card
      title={t('chart.title')}
      aside={
        <SegmentedControl
          size="xs"
          radius="md"
          aria-label={t('chart.period')}
          data={periods}
          value={String(days)}
          onChange={(value) => change(Number(value))}
        />
      }
    >
      {error && !data ? (
        <ErrorState error={error} retry={refetch} />
      ) : (
        <div className={classes.frame}>
          <Suspense fallback={<Skeleton height="100%" radius="md" />}>
            {data ? <DailyChart newestFirst={data} /> : <Skeleton height="100%" radius="md" />}
          </Suspense>
          {isEmpty && <p className={classes.empty}>{t('chart.empty')}</p>}
        </div>
      )}
      {data && <DailyTable newestFirst={data} />}
    </Card>
  );
}

function DailyTable({ newestFirst }: { newestFirst: api.DailyStat[] }) {
  const { t, format } = useLanguage();
  return (
    // around the table: a table itself keeps the height of its rows and would lengthen the page unseen
    <div className="visually-hidden">
      <table>
        <caption>{t('chart.title')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('chart.date')}</th>
            <th scope="col">{t('chart.executions')}</th>
            <th scope="col">{t('chart.errors')}</th>
            <th scope="col">{t('chart.mean')}</th>
          </tr>
        </thead>
        <tbody>
          {newestFirst.map((day) => (
            <tr key={day.date}>
              <th scope="row">{format.day(day.date)}</th>
              <td>{format.number(day.executions)}</td>
              <td>{format.number(day.error_count)}</td>
              <td>{day.avg_time_ms === null ? '—' : format.duration(day.avg_time_ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
