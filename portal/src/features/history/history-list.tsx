import { ActionIcon, Tooltip } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import type { api } from '@shaparak/contract';
import { IconChevronDown, IconChevronUp } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import { useLanguage } from '../../text/language';
import { ErrorState } from '../../ui/error-state';
import { ExecutionCard } from '../../ui/execution-card';
import { useNow } from '../../ui/use-now';
import { useExecutionQuery, useReadExecution } from './api';
import { ExecutionDetails } from './execution-details';
import classes from './history-page.module.css';

export interface HistoryItem {
  execution: api.LogEntry | api.Activity;
  code: string;
  error: string | null;
  /** there already when the list came with whole executions */
  full: api.Activity | null;
}

const SHOWN_LINES = 6;
const PREVIEW_CHARACTERS = 100;
const HALF_MINUTE_MS = 30_000;

/** The cards, and the keys: j and k move, o opens and closes the details, c copies. */
export function HistoryList({ items, match }: { items: HistoryItem[]; match?: string }) {
  const [selected, setSelected] = useState(-1);
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set());
  const now = useNow(HALF_MINUTE_MS);
  const list = useRef<HTMLUListElement>(null);

  const toggle = (id: number) => {
    const next = new Set(open);
    if (!next.delete(id)) next.add(id);
    setOpen(next);
  };
  const move = (by: number) => setSelected((at) => Math.max(0, Math.min(items.length - 1, at + by)));
  const card = () => list.current?.children[selected]?.firstElementChild;
  const current = items[selected];
  useHotkeys([
    ['j', () => move(1)],
    ['k', () => move(-1)],
    ['o', () => current && toggle(current.execution.id)],
    ['c', () => card()?.querySelector<HTMLButtonElement>('[data-copy]')?.click()],
  ]);
  useEffect(() => {
    if (selected < 0) return;
    const chosen = list.current?.children[selected]?.firstElementChild;
    if (!(chosen instanceof HTMLElement)) return;
    chosen.focus({ preventScroll: true });
    chosen.scrollIntoView({ block: 'nearest' });
  }, [selected]);

  return (
    <ul ref={list} className={classes.list}>
      {items.map((item, index) => (
        <li key={item.execution.id}>
          <HistoryCard
            item={item}
            match={match}
            now={now}
            isSelected={index === selected}
            isOpen={open.has(item.execution.id)}
            toggle={() => toggle(item.execution.id)}
          />
        </li>
      ))}
    </ul>
  );
}

interface HistoryCardProps {
  item: HistoryItem;
  match: string | undefined;
  now: number;
  isSelected: boolean;
  isOpen: boolean;
  toggle: () => void;
}

function HistoryCard({ item, match, now, isSelected, isOpen, toggle }: HistoryCardProps) {
  const { t } = useLanguage();
  const { execution } = item;
  const query = useExecutionQuery(execution.id, isOpen);
  const full = item.full ?? query.data;
  const whole = isOpen ? full : undefined;
  const readExecution = useReadExecution();
  const isCut = !full && [...item.code].length >= PREVIEW_CHARACTERS;
  const Chevron = isOpen ? IconChevronUp : IconChevronDown;
  const label = t(isOpen ? 'execution.collapse' : 'execution.expand');
  return (
    <ExecutionCard
      execution={execution}
      code={whole?.code ?? item.code}
      error={whole ? whole.error_message : item.error}
      copyText={isCut ? async () => (await readExecution(execution.id)).code : (full?.code ?? item.code)}
      now={now}
      match={match}
      maxLines={whole ? undefined : SHOWN_LINES}
      selected={isSelected}
      actions={
        <Tooltip label={label} withArrow>
          <ActionIcon
            variant="subtle"
            color="gray"
            c="dimmed"
            aria-label={label}
            aria-expanded={isOpen}
            onClick={toggle}
          >
            <Chevron size={18} />
          </ActionIcon>
        </Tooltip>
      }
    >
      {isCut && !isOpen && (
        <button type="button" className={classes.cut} onClick={toggle}>
          {t('execution.cut')}
        </button>
      )}
      {isOpen && query.error && <ErrorState error={query.error} retry={query.refetch} />}
      {whole && <ExecutionDetails execution={whole} inputs={query.data?.inputs} files={query.data?.files} />}
    </ExecutionCard>
  );
}
