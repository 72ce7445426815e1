import { Button } from '@mantine/core';
import { IconCloudOff, IconRefresh } from '@tabler/icons-react';
import { ApiProblem } from '../connection/api-problem';
import { useLanguage } from '../text/language';
import { problemKey } from '../text/text';
import classes from './state.module.css';

interface ErrorStateProps {
  error: unknown;
  title?: string;
  retry?: () => void;
}

/** What went wrong, in words, with the id under which the server wrote it down, and a way on. */
export function ErrorState({ error, title, retry }: ErrorStateProps) {
  const { t } = useLanguage();
  const problem = error instanceof ApiProblem ? error : null;
  return (
    <div className={classes.state} role="alert">
      <span className={classes.icon} data-tone="bad" aria-hidden="true">
        <IconCloudOff size={26} stroke={1.6} />
      </span>
      <p className={classes.title}>{title ?? t('error.title')}</p>
      <div className={classes.text}>
        {t(problemKey(problem?.code ?? 'unexpected'))}
        {problem?.detail && <p className={`${classes.detail} latin`}>{problem.detail}</p>}
        {problem?.traceId && (
          <p className={classes.trace}>
            {t('error.trace')}: <code className="latin">{problem.traceId}</code>
          </p>
        )}
      </div>
      {retry && (
        <Button variant="default" leftSection={<IconRefresh size={16} />} onClick={retry}>
          {t('app.retry')}
        </Button>
      )}
    </div>
  );
}
