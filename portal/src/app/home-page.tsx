import { IconShieldLock } from '@tabler/icons-react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useLiveStatus } from '../connection/connection';
import { ActivityChart } from '../features/dashboard/activity-chart';
import { ActivityTiles } from '../features/dashboard/activity-tiles';
import { useDashboardQuery } from '../features/dashboard/api';
import { readHomeSearch } from '../features/dashboard/home-search';
import { RecentActivity } from '../features/dashboard/recent-activity';
import { useLabQuery } from '../features/launch/api';
import { LaunchCard } from '../features/launch/launch-card';
import { useLanguage } from '../text/language';
import { Page } from '../ui/page';
import classes from './home-page.module.css';
import { useMeQuery } from './who-am-i';

/** What a person sees first: the way into the lab, the numbers, the last executions. */
export function HomePage() {
  const { t } = useLanguage();
  const { data: me } = useMeQuery();
  const { days } = useSearch({ from: '/inside/' });
  const { data: lab } = useLabQuery();
  const navigate = useNavigate({ from: '/' });
  const [before, after] = t('home.greeting').split('{name}');
  return (
    <Page
      title={t('home.title')}
      heading={
        <>
          {before}
          <bdi>{me?.username}</bdi>
          {after}
        </>
      }
      lead={<LastExecution />}
      aside={<LiveNote />}
    >
      <LaunchCard />
      <ActivityTiles />
      <ActivityChart
        days={days ?? 7}
        change={(chosen) =>
          void navigate({ search: readHomeSearch({ days: chosen }), replace: true, resetScroll: false })
        }
      />
      <RecentActivity isLabRunning={lab?.state === 'running'} />
      <aside className={classes.notice} aria-label={t('home.notice.title')}>
        <IconShieldLock size={24} stroke={1.6} aria-hidden="true" />
        <p>
          <strong>{t('home.notice.title')}</strong> {t('home.notice.text')}
        </p>
      </aside>
    </Page>
  );
}

function LastExecution() {
  const { t, format } = useLanguage();
  const { data } = useDashboardQuery();
  if (!data) return <>&nbsp;</>;
  return data.last_execution ? t('home.last', { time: format.dateTime(data.last_execution) }) : t('home.never');
}

function LiveNote() {
  const { t } = useLanguage();
  const status = useLiveStatus();
  return (
    <p className={classes.live} data-status={status} role="status">
      {status === 'live' && t('home.live')}
      {status === 'polling' && t('home.polling')}
    </p>
  );
}
