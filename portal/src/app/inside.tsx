import { Loader } from '@mantine/core';
import { useNavigate, useRouter } from '@tanstack/react-router';
import { useEffect } from 'react';
import { LiveProvider, useConnection, useSessionPhase } from '../connection/connection';
import { useLanguage } from '../text/language';
import { ErrorState } from '../ui/error-state';
import { Shell } from './shell';
import classes from './shell.module.css';
import { useFreshness } from './use-freshness';
import { useMeQuery } from './who-am-i';

/** Everything behind the login: waits for the session, or sends to the login page and remembers the way back. */
export function Inside() {
  const phase = useSessionPhase();
  const { session } = useConnection();
  const { t } = useLanguage();
  if (phase === 'ended') return <ToLogin />;
  if (phase === 'unreachable') {
    return (
      <main className={classes.splash}>
        <ErrorState error={null} title={t('error.reach')} retry={() => void session.resume()} />
      </main>
    );
  }
  if (phase === 'checking') return <Splash />;
  return (
    <LiveProvider>
      <SignedIn />
    </LiveProvider>
  );
}

/** Leaves once, with the address of the moment: a <Navigate> would follow the address that it changes itself. */
function ToLogin() {
  const router = useRouter();
  const navigate = useNavigate();
  useEffect(() => {
    const { href } = router.state.location;
    if (href.startsWith('/login')) return;
    void navigate({ to: '/login', search: href === '/' ? {} : { next: href }, replace: true });
  }, [router, navigate]);
  return <Splash />;
}

function SignedIn() {
  const { data: me, error, refetch } = useMeQuery();
  const { setTimeZone } = useLanguage();
  useFreshness();
  useEffect(() => {
    if (me) setTimeZone(me.time_zone);
  }, [me, setTimeZone]);
  if (error && !me) {
    return (
      <main className={classes.splash}>
        <ErrorState error={error} retry={refetch} />
      </main>
    );
  }
  return me ? <Shell me={me} /> : <Splash />;
}

function Splash() {
  const { t } = useLanguage();
  return (
    <main className={classes.splash} aria-busy="true">
      <Loader aria-label={t('app.loading')} />
    </main>
  );
}
