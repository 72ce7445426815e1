import type { api } from '@shaparak/contract';
import { IconClock, IconHourglass, IconNotebook } from '@tabler/icons-react';
import { type ReactNode, useMemo } from 'react';
import { useLanguage } from '../text/language';
import { CodeView, Visible } from './code-view';
import { CopyButton } from './copy-button';
import { excerptOf } from './excerpt';
import classes from './execution-card.module.css';
import { StatusBadge } from './status-badge';

export interface ExecutionCardProps {
  execution: Pick<api.Activity, 'id' | 'timestamp' | 'cell_number' | 'execution_time_ms' | 'outcome' | 'notebook_path'>;
  code: string;
  error: string | null;
  /** what the copy button gives, where `code` is not the whole of it */
  copyText?: string | (() => Promise<string>);
  now: number;
  maxLines?: number | undefined;
  match?: string | undefined;
  selected?: boolean;
  actions?: ReactNode;
  children?: ReactNode;
}

/** One execution: how it ended, when, how long it took, what ran. */
export function ExecutionCard(props: ExecutionCardProps) {
  const { execution, code, error, maxLines, match } = props;
  const { t } = useLanguage();
  const excerpt = useMemo(() => (maxLines ? excerptOf(code, maxLines, match) : undefined), [code, maxLines, match]);
  return (
    <article
      className={classes.card}
      data-outcome={execution.outcome}
      data-selected={props.selected || undefined}
      tabIndex={props.selected ? -1 : undefined}
    >
      <header className={classes.head}>
        <StatusBadge outcome={execution.outcome} />
        <Facts execution={execution} now={props.now} />
        <div className={classes.actions}>
          {props.actions}
          <CopyButton text={props.copyText ?? code} label={t('execution.copy')} />
        </div>
      </header>
      {excerpt && <LeftOut count={excerpt.before} />}
      <CodeView code={code} label={t('execution.code')} excerpt={excerpt} match={match} />
      {excerpt && <LeftOut count={excerpt.after} />}
      {error && (
        <p className={classes.error} dir="ltr">
          <Visible text={error} />
        </p>
      )}
      {props.children}
    </article>
  );
}

function Facts({ execution, now }: Pick<ExecutionCardProps, 'execution' | 'now'>) {
  const { t, format } = useLanguage();
  return (
    <ul className={classes.facts}>
      {execution.cell_number !== null && (
        <li>{t('execution.cell', { number: format.number(execution.cell_number) })}</li>
      )}
      {execution.execution_time_ms !== null && (
        <li>
          <IconHourglass size={14} aria-hidden="true" />
          {format.duration(execution.execution_time_ms)}
        </li>
      )}
      <li>
        <IconClock size={14} aria-hidden="true" />
        <time dateTime={execution.timestamp} title={format.ago(execution.timestamp, now)}>
          {format.dateTime(execution.timestamp)}
        </time>
      </li>
      {execution.notebook_path && (
        <li className={classes.notebook}>
          <IconNotebook size={14} aria-hidden="true" />
          <span className="latin">{execution.notebook_path}</span>
        </li>
      )}
    </ul>
  );
}

function LeftOut({ count }: { count: number }) {
  const { t, format } = useLanguage();
  if (count === 0) return null;
  return <p className={classes.hidden}>… {t('execution.lines', { count: format.number(count) })}</p>;
}
