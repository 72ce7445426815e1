import { IconArrowLeft, IconArrowRight } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useLanguage } from '../../text/language';
import { CodeView } from '../../ui/code-view';
import { CopyButton } from '../../ui/copy-button';
import { ErrorState } from '../../ui/error-state';
import { ExecutionCard } from '../../ui/execution-card';
import { ExecutionSkeletons } from '../../ui/execution-skeleton';
import { useNow } from '../../ui/use-now';
import { useRecentQuery } from './api';
import classes from './recent-activity.module.css';
import { RunningActivity } from './running-activity';

const SHOWN_LINES = 8;
const SAMPLE = 'print("Hello Shaparak!")\nx = 10 + 20\nprint(f"Result: {x}")';

/** What runs now, and the last executions as code cards, or, before the first one, the way to it. */
export function RecentActivity({ isLabRunning }: { isLabRunning: boolean }) {
  const { t, direction } = useLanguage();
  const { data, error, refetch } = useRecentQuery();
  const now = useNow(30_000);
  const Arrow = direction === 'rtl' ? IconArrowLeft : IconArrowRight;
  return (
    <section className={classes.section} aria-labelledby="recent">
      <div className={classes.head}>
        <h2 id="recent" className={classes.title}>
          {t('recent.title')}
        </h2>
        {data && data.count > 0 && (
          <Link to="/history" className={classes.all}>
            {t('recent.all')}
            <Arrow size={16} aria-hidden="true" />
          </Link>
        )}
      </div>
      {isLabRunning && <RunningActivity />}
      {error && !data && <ErrorState error={error} retry={refetch} />}
      {!error && !data && <ExecutionSkeletons count={3} />}
      {data?.count === 0 && <FirstSteps />}
      {data?.activities.map((activity) => (
        <ExecutionCard
          key={activity.id}
          execution={activity}
          code={activity.code}
          error={activity.error_message}
          maxLines={SHOWN_LINES}
          now={now}
        />
      ))}
    </section>
  );
}

function FirstSteps() {
  const { t } = useLanguage();
  return (
    <div className={classes.welcome}>
      <h3 className={classes.welcomeTitle}>{t('welcome.title')}</h3>
      <ol className={classes.steps}>
        <li>{t('welcome.step.one')}</li>
        <li>
          {t('welcome.step.two')}
          <div className={classes.sample}>
            <CodeView code={SAMPLE} label={t('execution.code')} />
            <CopyButton text={SAMPLE} label={t('execution.copy')} />
          </div>
        </li>
        <li>{t('welcome.step.three')}</li>
      </ol>
    </div>
  );
}
