import { Menu, UnstyledButton } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import type { api } from '@shaparak/contract';
import { IconLogout, IconSearch, IconSelector } from '@tabler/icons-react';
import { Link, Outlet } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { useConnection } from '../connection/connection';
import { useLanguage } from '../text/language';
import { Logo } from '../ui/logo';
import { type Destination, destinations } from './navigation';
import { Preferences } from './preferences';
import classes from './shell.module.css';

const CommandPalette = lazy(() => import('./command-palette'));

/** Frame around every page: side bar where there is room for it, else a bar on top and one below. */
export function Shell({ me }: { me: api.Me }) {
  const { t } = useLanguage();
  const [isPaletteWanted, wantPalette] = useState(0);
  useHotkeys([['mod+K', () => wantPalette((times) => times + 1)]], []);
  const { own, oversight } = destinations(me.role);
  return (
    <div className={classes.shell}>
      <a className={classes.skip} href="#main">
        {t('app.skip')}
      </a>
      <header className={classes.top}>
        <Link to="/" className={classes.brand}>
          <Logo />
          <span className={classes.brandName}>{t('app.name')}</span>
        </Link>
        <span className={classes.topTools}>
          <Preferences />
          <span className={classes.onlyNarrow}>
            <UserMenu me={me} isCompact />
          </span>
        </span>
      </header>
      <nav className={classes.side} aria-label={t('nav.main')}>
        <div className={classes.sideInner}>
          <UnstyledButton className={classes.palette} onClick={() => wantPalette((times) => times + 1)}>
            <IconSearch size={16} aria-hidden="true" />
            <span>{t('nav.palette')}</span>
            <kbd className={classes.kbd} dir="ltr">
              Ctrl K
            </kbd>
          </UnstyledButton>
          <ul className={classes.links}>
            {own.map((destination) => (
              <NavigationLink key={destination.to} destination={destination} />
            ))}
          </ul>
          {oversight.length > 0 && (
            <>
              <p className={classes.group}>{t('nav.oversight')}</p>
              <ul className={classes.links}>
                {oversight.map((destination) => (
                  <NavigationLink key={destination.to} destination={destination} />
                ))}
              </ul>
            </>
          )}
          <div className={classes.foot}>
            <UserMenu me={me} />
          </div>
        </div>
      </nav>
      <main id="main" className={classes.main} tabIndex={-1}>
        <Outlet />
      </main>
      {isPaletteWanted > 0 && (
        <Suspense>
          <CommandPalette role={me.role} request={isPaletteWanted} />
        </Suspense>
      )}
    </div>
  );
}

function NavigationLink({ destination: { to, text, Icon } }: { destination: Destination }) {
  const { t } = useLanguage();
  return (
    <li>
      <Link to={to} className={classes.link} activeOptions={{ exact: true, includeSearch: false }}>
        <Icon size={21} stroke={1.7} aria-hidden="true" />
        <span>{t(text)}</span>
      </Link>
    </li>
  );
}

function UserMenu({ me, isCompact }: { me: api.Me; isCompact?: boolean }) {
  const { t } = useLanguage();
  const { session } = useConnection();
  return (
    <Menu position={isCompact ? 'bottom-end' : 'top'} width={isCompact ? 210 : 'target'} withArrow={isCompact ?? false}>
      <Menu.Target>
        <UnstyledButton
          className={classes.user}
          {...(isCompact ? { 'aria-label': t('nav.user', { name: me.username }) } : {})}
        >
          <span className={classes.avatar} aria-hidden="true">
            {me.username.slice(0, 1).toUpperCase()}
          </span>
          {!isCompact && (
            <>
              <span className={classes.userNames}>
                <span className="latin">{me.username}</span>
                <span className={classes.role}>{t(`role.${me.role}`)}</span>
              </span>
              <IconSelector size={16} aria-hidden="true" />
            </>
          )}
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          <span className="latin">{me.username}</span> · {t(`role.${me.role}`)}
        </Menu.Label>
        <Menu.Item leftSection={<IconLogout size={17} />} onClick={() => void session.logout()}>
          {t('nav.logout')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
