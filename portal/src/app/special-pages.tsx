import { IconCompassOff, IconLock } from '@tabler/icons-react';
import { type ErrorComponentProps, Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useLanguage } from '../text/language';
import { EmptyState } from '../ui/empty-state';
import { ErrorState } from '../ui/error-state';
import { Page } from '../ui/page';
import classes from './special-pages.module.css';
import { canOversee, useMeQuery } from './who-am-i';

/** For everybody who has no business there; the server refuses them as well. */
export function AdministratorsOnly({ children }: { children: ReactNode }) {
  const { data: me } = useMeQuery();
  const { t } = useLanguage();
  if (canOversee(me?.role)) return children;
  return (
    <Page title={t('forbidden.title')}>
      <EmptyState icon={<IconLock size={28} />} title={t('forbidden.text')} action={<HomeLink />} />
    </Page>
  );
}

export function MissingPage() {
  const { t } = useLanguage();
  return (
    <Page title={t('missing.title')}>
      <EmptyState icon={<IconCompassOff size={28} />} title={t('missing.text')} action={<HomeLink />} />
    </Page>
  );
}

/** A page that failed while drawing; the rest of the portal goes on. */
export function BrokenPage({ error, reset }: ErrorComponentProps) {
  const { t } = useLanguage();
  return (
    <Page title={t('error.page')}>
      <ErrorState error={error} retry={reset} />
    </Page>
  );
}

function HomeLink() {
  const { t } = useLanguage();
  return (
    <Link to="/" className={classes.home}>
      {t('forbidden.action')}
    </Link>
  );
}
