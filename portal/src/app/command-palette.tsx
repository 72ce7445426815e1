import '@mantine/spotlight/styles.css';
import { useMantineColorScheme } from '@mantine/core';
import { Spotlight, type SpotlightActionData, spotlight } from '@mantine/spotlight';
import type { api } from '@shaparak/contract';
import { IconHistory, IconLanguage, IconLogout, IconMoon, IconSearch } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useConnection } from '../connection/connection';
import { useLanguage } from '../text/language';
import { destinations } from './navigation';

/** Ctrl+K: every place and switch by name; loaded when it is first asked for. Each new `request` opens it. */
export default function CommandPalette({ role, request }: { role: api.Role; request: number }) {
  const { t, language, setLanguage } = useLanguage();
  const { toggleColorScheme } = useMantineColorScheme();
  const { session } = useConnection();
  const navigate = useNavigate();
  const [query, setQuery] = useState('');
  // biome-ignore lint/correctness/useExhaustiveDependencies: the number says nothing but that it was asked for again
  useEffect(() => spotlight.open(), [request]);

  const { own, oversight } = destinations(role);
  const actions: SpotlightActionData[] = [...own, ...oversight].map(({ to, text, Icon }) => ({
    id: to,
    label: t(text),
    leftSection: <Icon size={20} stroke={1.6} />,
    onClick: () => void navigate({ to }),
  }));
  actions.push(
    {
      id: 'scheme',
      label: t('nav.palette.theme'),
      keywords: ['dark', 'light', 'theme'],
      leftSection: <IconMoon size={20} stroke={1.6} />,
      onClick: () => toggleColorScheme(),
    },
    {
      id: 'language',
      label: t('nav.language'),
      keywords: ['language', 'زبان'],
      leftSection: <IconLanguage size={20} stroke={1.6} />,
      onClick: () => setLanguage(language === 'fa' ? 'en' : 'fa'),
    },
    {
      id: 'logout',
      label: t('nav.logout'),
      leftSection: <IconLogout size={20} stroke={1.6} />,
      onClick: () => void session.logout(),
    },
  );
  if (query.trim().length >= 2) {
    actions.push({
      id: 'search',
      label: t('nav.palette.search', { query: query.trim() }),
      leftSection: <IconHistory size={20} stroke={1.6} />,
      onClick: () => void navigate({ to: '/history', search: { query: query.trim() } }),
    });
  }
  return (
    <Spotlight
      actions={actions}
      query={query}
      onQueryChange={setQuery}
      attributes={{ content: { 'aria-label': t('nav.palette') } }}
      shortcut={null}
      nothingFound={t('nav.palette.empty')}
      searchProps={{
        leftSection: <IconSearch size={19} />,
        placeholder: t('nav.palette'),
        'aria-label': t('nav.palette'),
      }}
    />
  );
}
