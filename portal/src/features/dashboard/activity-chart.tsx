import type { api } from '@shaparak/contract';
import { useMemo } from 'react';
import { useLanguage } from '../../text/language';
import { Card } from '../../ui/card';
import { ChartFrame } from '../../ui/chart-frame';
import type { DayPlot } from '../../ui/day-chart';
import { ErrorState } from '../../ui/error-state';
import { PeriodControl } from '../../ui/period-control';
import { useStatsQuery } from './api';

/** Executions and errors per day, as a picture and as a table for who cannot see it. */
export function ActivityChart({ days, change }: { days: number; change: (days: number) => void }) {
  const { t } = useLanguage();
  const { data, error, refetch } = useStatsQuery(days);
  const plot = usePlot(data);
  const isEmpty = data?.every((day) => day.executions === 0);
  return (
    <Card title={t('chart.title')} aside={<PeriodControl days={days} change={change} />}>
      {error && !data ? (
        <ErrorState error={error} retry={refetch} />
      ) : (
        <ChartFrame plot={plot} empty={isEmpty && t('chart.empty')} />
      )}
      {data && <DailyTable newestFirst={data} />}
    </Card>
  );
}

function usePlot(newestFirst: api.DailyStat[] | undefined): DayPlot | undefined {
  const { t, format } = useLanguage();
  return useMemo(() => {
    if (!newestFirst) return undefined;
    const days = [...newestFirst].reverse();
    return {
      days: days.map((day) => day.date),
      lines: [
        {
          label: t('chart.executions'),
          tone: 'accent',
          values: days.map((day) => day.executions),
          fill: true,
        },
        { label: t('chart.errors'), tone: 'bad', values: days.map((day) => day.error_count) },
      ],
      description: t('chart.description', { days: format.number(days.length) }),
      formatValue: format.number,
    };
  }, [newestFirst, t, format]);
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
