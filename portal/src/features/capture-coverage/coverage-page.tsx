import type { api } from '@shaparak/contract';
import { IconAlertTriangle, IconShieldCheck, IconSum } from '@tabler/icons-react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useLanguage } from '../../text/language';
import { Card } from '../../ui/card';
import { ChartFrame } from '../../ui/chart-frame';
import type { DayPlot } from '../../ui/day-chart';
import { ErrorState } from '../../ui/error-state';
import { Page } from '../../ui/page';
import { PeriodControl } from '../../ui/period-control';
import { Tile, Tiles } from '../../ui/tile';
import { useCoverageQuery } from './api';
import { type CoverageSearch, periodOf, readCoverageSearch } from './coverage-search';
import { CoveredUsers } from './covered-users';
import { FindingList } from './finding-list';
import { floorOf } from './findings';

/** How complete the log is, and what does not fit in it. Nobody's code is on this page. */
export function CoveragePage() {
  const { t } = useLanguage();
  const search = useSearch({ from: '/inside/admin/coverage' });
  const navigate = useNavigate({ from: '/admin/coverage' });
  const { data, error, refetch } = useCoverageQuery(periodOf(search));
  const change = (next: CoverageSearch) => void navigate({ search: next, replace: true, resetScroll: false });
  return (
    <Page
      title={t('coverage.title')}
      lead={t('coverage.lead')}
      aside={
        <PeriodControl days={periodOf(search)} change={(days) => change(readCoverageSearch({ ...search, days }))} />
      }
    >
      {error && !data ? (
        <ErrorState error={error} retry={refetch} />
      ) : (
        <>
          <CoverageTiles coverage={data} />
          <DailyCoverage newestFirst={data?.days} />
          <CoveredUsers users={data?.users} search={search} change={change} />
        </>
      )}
      <FindingList
        users={data?.users}
        isAnythingCaptured={data && data.executions > 0}
        search={search}
        change={change}
      />
    </Page>
  );
}

function CoverageTiles({ coverage }: { coverage: api.Coverage | undefined }) {
  const { t, format } = useLanguage();
  const missing = coverage && coverage.executions - coverage.covered;
  const isEmpty = coverage?.executions === 0;
  const shareNote = () => {
    if (isEmpty) return t('coverage.tile.none');
    return missing ? t('coverage.tile.missing', { count: format.number(missing) }) : t('coverage.tile.whole');
  };
  const findingsNote = () => {
    if (coverage?.findings) return t('coverage.tile.look');
    return t(isEmpty ? 'coverage.tile.none' : 'coverage.tile.fits');
  };
  return (
    <Tiles label={t('coverage.title')}>
      <Tile
        label={t('coverage.tile.share')}
        icon={<IconShieldCheck size={18} />}
        tone={missing ? 'warn' : 'good'}
        value={coverage && (coverage.coverage === null ? '—' : format.share(coverage.coverage))}
        note={coverage && shareNote()}
        noteTone={missing ? 'bad' : undefined}
      />
      <Tile
        label={t('coverage.tile.executions')}
        icon={<IconSum size={18} />}
        tone="violet"
        value={coverage && format.number(coverage.executions)}
        note={coverage && t('coverage.tile.period', { days: format.number(coverage.period_days) })}
      />
      <Tile
        label={t('coverage.tile.findings')}
        icon={<IconAlertTriangle size={18} />}
        tone={coverage?.findings ? 'warn' : 'accent'}
        value={coverage && format.number(coverage.findings)}
        note={coverage && findingsNote()}
      />
    </Tiles>
  );
}

type Day = api.Coverage['days'][number];

function DailyCoverage({ newestFirst }: { newestFirst: Day[] | undefined }) {
  const { t } = useLanguage();
  const plot = usePlot(newestFirst);
  const isEmpty = newestFirst?.every((day) => day.executions === 0);
  return (
    <Card title={t('coverage.chart')}>
      <ChartFrame plot={plot} empty={isEmpty && t('chart.empty')} />
      {newestFirst && <DailyTable newestFirst={newestFirst} />}
    </Card>
  );
}

function usePlot(newestFirst: Day[] | undefined): DayPlot | undefined {
  const { t, format } = useLanguage();
  return useMemo(() => {
    if (!newestFirst) return undefined;
    const days = [...newestFirst].reverse();
    const values = days.map((day) => day.coverage);
    return {
      days: days.map((day) => day.date),
      lines: [{ label: t('coverage.share'), tone: 'accent', values }],
      description: t('coverage.chart.description', { days: format.number(days.length) }),
      formatValue: format.share,
      range: { from: floorOf(values), to: 100 },
      note: (index) =>
        t('coverage.chart.note', {
          executions: format.number(days[index]?.executions ?? 0),
          findings: format.number(days[index]?.findings ?? 0),
        }),
    };
  }, [newestFirst, t, format]);
}

function DailyTable({ newestFirst }: { newestFirst: Day[] }) {
  const { t, format } = useLanguage();
  return (
    <div className="visually-hidden">
      <table>
        <caption>{t('coverage.chart')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('chart.date')}</th>
            <th scope="col">{t('coverage.share')}</th>
            <th scope="col">{t('coverage.executions')}</th>
            <th scope="col">{t('coverage.covered')}</th>
            <th scope="col">{t('coverage.findings')}</th>
          </tr>
        </thead>
        <tbody>
          {newestFirst.map((day) => (
            <tr key={day.date}>
              <th scope="row">{format.day(day.date)}</th>
              <td>{day.coverage === null ? '—' : format.share(day.coverage)}</td>
              <td>{format.number(day.executions)}</td>
              <td>{format.number(day.covered)}</td>
              <td>{format.number(day.findings)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
