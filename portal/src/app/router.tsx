import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  useNavigate,
  useSearch,
} from '@tanstack/react-router';
import { useEffect } from 'react';
import { useSessionPhase } from '../connection/connection';
import { readCoverageSearch } from '../features/capture-coverage/coverage-search';
import { readHomeSearch } from '../features/dashboard/home-search';
import { readHistorySearch } from '../features/history/history-search';
import { LoginPage } from '../features/login/login-page';
import { readUsersSearch } from '../features/oversight/users-search';
import { HomePage } from './home-page';
import { Inside } from './inside';
import { Preferences } from './preferences';
import { AdministratorsOnly, BrokenPage, MissingPage } from './special-pages';

/** The addresses under /portal. What a page's address may hold is checked where that page is written. */
export function createPortalRouter() {
  const root = createRootRoute();
  const login = createRoute({
    getParentRoute: () => root,
    path: '/login',
    validateSearch: (raw: Record<string, unknown>): { next?: string } =>
      isOwnPath(raw.next) ? { next: raw.next } : {},
    component: Login,
  });
  const inside = createRoute({ getParentRoute: () => root, id: 'inside', component: Inside });
  const home = createRoute({
    getParentRoute: () => inside,
    path: '/',
    validateSearch: readHomeSearch,
    component: HomePage,
  });
  const history = createRoute({
    getParentRoute: () => inside,
    path: '/history',
    validateSearch: readHistorySearch,
    component: lazyRouteComponent(() => import('../features/history/history-page'), 'HistoryPage'),
  });
  const users = createRoute({
    getParentRoute: () => inside,
    path: '/admin/users',
    validateSearch: readUsersSearch,
    component: administrators(lazyRouteComponent(() => import('../features/oversight/users-page'), 'UsersPage')),
  });
  const system = createRoute({
    getParentRoute: () => inside,
    path: '/admin/system',
    component: administrators(lazyRouteComponent(() => import('../features/oversight/system-page'), 'SystemPage')),
  });
  const coverage = createRoute({
    getParentRoute: () => inside,
    path: '/admin/coverage',
    validateSearch: readCoverageSearch,
    component: administrators(
      lazyRouteComponent(() => import('../features/capture-coverage/coverage-page'), 'CoveragePage'),
    ),
  });
  const missing = createRoute({ getParentRoute: () => inside, path: '$', component: MissingPage });
  return createRouter({
    routeTree: root.addChildren([login, inside.addChildren([home, history, users, system, coverage, missing])]),
    basepath: '/portal',
    defaultPreload: 'intent',
    defaultErrorComponent: BrokenPage,
    defaultNotFoundComponent: MissingPage,
    scrollRestoration: true,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createPortalRouter>;
  }
}

function administrators(Content: ReturnType<typeof lazyRouteComponent>) {
  return function ForAdministrators() {
    return (
      <AdministratorsOnly>
        <Content />
      </AdministratorsOnly>
    );
  };
}

function Login() {
  const phase = useSessionPhase();
  const { next } = useSearch({ from: '/login' });
  const navigate = useNavigate();
  const isIn = phase !== 'ended';
  useEffect(() => {
    if (isIn) void navigate({ to: next ?? '/', replace: true });
  }, [isIn, next, navigate]);
  if (isIn) return null;
  return <LoginPage controls={<Preferences />} />;
}

/** A path of this portal: `next` comes from the address and must lead nowhere else. */
function isOwnPath(next: unknown): next is string {
  return typeof next === 'string' && /^\/(?![/\\])/.test(next);
}
