import type { api } from '@shaparak/contract';
import { IconClockPause, IconNotebook, IconPlayerPlay } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useLanguage } from '../../text/language';
import { CodeView, Visible } from '../../ui/code-view';
import { excerptOf } from '../../ui/excerpt';
import { useNow } from '../../ui/use-now';
import { useRunningQuery } from './api';
import classes from './running-activity.module.css';

const SHOWN = 3;
const SHOWN_LINES = 4;
const SECOND_MS = 1_000;

/** What the caller's kernels do at this moment; nothing at all where they rest. */
export function RunningActivity() {
  const { t, format } = useLanguage();
  const { data, dataUpdatedAt } = useRunningQuery();
  if (!data || data.count === 0) return null;
  return (
    <section className={classes.card} aria-label={t('running.title')}>
      <ul className={classes.list}>
        {data.running.slice(0, SHOWN).map((execution) => (
          <li key={`${execution.kernel_id} ${execution.started_at} ${execution.cell_id}`}>
            <Running execution={execution} askedAt={dataUpdatedAt} />
          </li>
        ))}
      </ul>
      {data.count > SHOWN && (
        <p className={classes.more}>{t('running.more', { count: format.number(data.count - SHOWN) })}</p>
      )}
    </section>
  );
}

function Running({ execution, askedAt }: { execution: api.RunningActivity['running'][number]; askedAt: number }) {
  const { t, format } = useLanguage();
  const now = useNow(SECOND_MS);
  const { state, code, elapsed_ms, cell_number, notebook_path } = execution;
  const excerpt = useMemo(() => excerptOf(code, SHOWN_LINES), [code]);
  const Icon = state === 'running' ? IconPlayerPlay : IconClockPause;
  return (
    <>
      <p className={classes.head}>
        <span className={classes.state} data-state={state}>
          <Icon size={14} stroke={2.2} aria-hidden="true" />
          {t(`running.state.${state}`)}
        </span>
        {cell_number !== null && <span>{t('execution.cell', { number: format.number(cell_number) })}</span>}
        {notebook_path && (
          <span className={classes.notebook}>
            <IconNotebook size={14} aria-hidden="true" />
            <span className="latin">
              <Visible text={notebook_path} />
            </span>
          </span>
        )}
        <span className={classes.elapsed}>
          <span className="visually-hidden">{t('running.elapsed')}: </span>
          {format.elapsed(elapsed_ms + Math.max(0, now - askedAt))}
        </span>
      </p>
      <CodeView code={code} label={t('execution.code')} excerpt={excerpt} />
      {excerpt.after > 0 && (
        <p className={classes.more}>… {t('execution.lines', { count: format.number(excerpt.after) })}</p>
      )}
    </>
  );
}
