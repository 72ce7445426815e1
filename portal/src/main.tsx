import './app/styles';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { composeCache, composeConnection } from './app/compose';
import { Providers } from './app/providers';
import { createPortalRouter } from './app/router';
import { announceStyleNonce } from './app/style-nonce';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element #root');

announceStyleNonce();
createRoot(root).render(
  <StrictMode>
    <Providers connection={composeConnection()} cache={composeCache()}>
      <RouterProvider router={createPortalRouter()} />
    </Providers>
  </StrictMode>,
);
