import { DirectionProvider, localStorageColorSchemeManager, MantineProvider, useDirection } from '@mantine/core';
import { type QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { type ReactNode, useEffect, useLayoutEffect, useState } from 'react';
import { type Connection, ConnectionProvider } from '../connection/connection';
import { LanguageProvider, useLanguage } from '../text/language';
import { styleNonce } from './style-nonce';
import { theme } from './theme';

interface ProvidersProps {
  connection: Connection;
  cache: QueryClient;
  children: ReactNode;
}

export function Providers({ connection, cache, children }: ProvidersProps) {
  // the key is also read by public/first-paint.js
  const [schemes] = useState(() => localStorageColorSchemeManager({ key: 'shaparak-color-scheme' }));
  return (
    <QueryClientProvider client={cache}>
      <ConnectionProvider connection={connection}>
        <LanguageProvider>
          <DirectionProvider
            initialDirection={document.documentElement.dir === 'ltr' ? 'ltr' : 'rtl'}
            detectDirection={false}
          >
            <MantineProvider
              theme={theme}
              defaultColorScheme="auto"
              colorSchemeManager={schemes}
              getStyleNonce={styleNonce}
            >
              <FollowDirection />
              <FollowSession connection={connection} cache={cache} />
              {children}
            </MantineProvider>
          </DirectionProvider>
        </LanguageProvider>
      </ConnectionProvider>
    </QueryClientProvider>
  );
}

function FollowDirection() {
  const { direction } = useLanguage();
  const { setDirection } = useDirection();
  useLayoutEffect(() => setDirection(direction), [direction, setDirection]);
  return null;
}

/** Forgets everything that was read as soon as somebody logs out or somebody else logs in. */
function FollowSession({ connection: { session }, cache }: Omit<ProvidersProps, 'children'>) {
  useEffect(() => {
    let generation = session.generation();
    const stop = session.subscribe(() => {
      if (session.generation() === generation && session.phase() !== 'ended') return;
      generation = session.generation();
      cache.clear();
    });
    void session.resume();
    return stop;
  }, [session, cache]);
  return null;
}
