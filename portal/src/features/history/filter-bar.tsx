import { CloseButton, SegmentedControl, TextInput } from '@mantine/core';
import { useDebouncedCallback, useHotkeys } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import { useLanguage } from '../../text/language';
import classes from './history-page.module.css';
import type { HistorySearch } from './history-search';

const TYPING_PAUSE_MS = 250;

/** Search box and status filter. What is typed goes to the address after a short pause, or at once with Enter. */
export function FilterBar({ search, change }: { search: HistorySearch; change: (next: HistorySearch) => void }) {
  const { t } = useLanguage();
  const [text, setText] = useState(search.query ?? '');
  const input = useRef<HTMLInputElement>(null);
  const sent = useRef(search.query ?? '');
  useHotkeys([['/', () => input.current?.focus()]]);

  const send = (query: string) => {
    sent.current = query;
    const { shown: _, query: __, ...rest } = search;
    change(query ? { ...rest, query } : rest);
  };
  const sendSoon = useDebouncedCallback(send, TYPING_PAUSE_MS);
  useEffect(() => {
    // the address changed by itself: the back button, or "remove filters"
    const fromAddress = search.query ?? '';
    if (fromAddress !== sent.current) {
      sent.current = fromAddress;
      setText(fromAddress);
    }
  }, [search.query]);

  const type = (typed: string) => {
    setText(typed);
    sendSoon(typed);
  };
  const clear = () => {
    setText('');
    send('');
    input.current?.focus();
  };
  const statuses = [
    { value: 'all', label: t('app.all') },
    { value: 'success', label: t('history.status.success') },
    { value: 'error', label: t('history.status.error') },
  ];
  return (
    <search className={classes.bar}>
      <TextInput
        ref={input}
        className={classes.search}
        size="md"
        aria-label={t('history.search')}
        placeholder={t('history.search.placeholder')}
        leftSection={<IconSearch size={18} />}
        rightSection={text && <CloseButton aria-label={t('history.search.clear')} onClick={clear} />}
        value={text}
        maxLength={10_000}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => type(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') send(text);
          if (event.key === 'Escape') clear();
        }}
      />
      <SegmentedControl
        size="md"
        aria-label={t('history.status')}
        data={statuses}
        value={search.status ?? 'all'}
        onChange={(value) => {
          const { status: _, shown: __, ...rest } = search;
          change(value === 'success' || value === 'error' ? { ...rest, status: value } : rest);
        }}
      />
      <p className={classes.hint}>{text.length === 1 ? t('history.search.short') : t('history.keys')}</p>
    </search>
  );
}
