import type { api } from '@shaparak/contract';
import type { ReactNode } from 'react';
import { useLanguage } from '../../text/language';
import classes from './history-page.module.css';

/** What is known about one execution beside its code. */
export function ExecutionDetails({ execution }: { execution: api.Activity }) {
  const { t, format } = useLanguage();
  return (
    <dl className={classes.details}>
      <Detail name={t('execution.started')}>{execution.started_at && format.exactTime(execution.started_at)}</Detail>
      <Detail name={t('execution.ended')}>{format.exactTime(execution.timestamp)}</Detail>
      <Detail name={t('execution.duration')}>
        {execution.execution_time_ms !== null && format.duration(execution.execution_time_ms)}
      </Detail>
      <Detail name={t('execution.evidence')}>{t(`evidence.${execution.evidence}`)}</Detail>
      <Detail name={t('execution.notebook')} isCode>
        {execution.notebook_path}
      </Detail>
      <Detail name={t('execution.kernel')} isCode>
        {execution.kernel_id}
      </Detail>
      <Detail name={t('execution.cell.id')} isCode>
        {execution.cell_id}
      </Detail>
      <Detail name={t('execution.id')} isCode>
        {String(execution.id)}
      </Detail>
    </dl>
  );
}

function Detail({ name, isCode, children }: { name: string; isCode?: boolean; children: ReactNode }) {
  if (children === null || children === false || children === '') return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{isCode ? <code className="latin">{children}</code> : children}</dd>
    </div>
  );
}
