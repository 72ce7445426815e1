import { Button, Checkbox, TextInput } from '@mantine/core';
import { IconBolt, IconSearch, IconShieldCheck } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { ApiProblem } from '../../connection/api-problem';
import { useConnection } from '../../connection/connection';
import { useLanguage } from '../../text/language';
import { problemKey } from '../../text/text';
import { Logo } from '../../ui/logo';
import classes from './login-page.module.css';

/** `controls`: language and theme, which a person may need before being anybody. */
export function LoginPage({ controls }: { controls: ReactNode }) {
  const { t } = useLanguage();
  useEffect(() => {
    document.title = `${t('login.title')} · ${t('app.short')}`;
  }, [t]);
  return (
    <div className={classes.page}>
      <Welcome />
      <main className={classes.side}>
        <div className={classes.controls}>{controls}</div>
        <div className={classes.center}>
          <div className={classes.brand}>
            <Logo size={46} />
            <span>{t('app.name')}</span>
          </div>
          <h1 className={classes.heading}>{t('login.title')}</h1>
          <p className={classes.lead}>{t('login.lead')}</p>
          <LoginForm />
        </div>
      </main>
    </div>
  );
}

function LoginForm() {
  const { t } = useLanguage();
  const { session } = useConnection();
  const [isShown, setShown] = useState(false);
  const [isIncomplete, setIncomplete] = useState(false);
  const passwordRef = useRef<HTMLInputElement>(null);
  const login = useMutation({
    mutationFn: (given: { username: string; password: string }) => session.login(given.username, given.password),
    onError: () => passwordRef.current?.select(),
  });

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const username = String(form.get('username') ?? '').trim();
    const password = String(form.get('password') ?? '');
    setIncomplete(!username || !password);
    if (username && password) login.mutate({ username, password });
  };

  const failure = isIncomplete
    ? t('login.incomplete')
    : login.error && t(problemKey(login.error instanceof ApiProblem ? login.error.code : 'unexpected'));
  return (
    <form className={classes.form} onSubmit={submit} noValidate>
      <TextInput
        name="username"
        label={t('login.username')}
        size="md"
        autoComplete="username"
        autoCapitalize="none"
        autoCorrect="off"
        spellCheck={false}
        autoFocus
        required
        withAsterisk={false}
        classNames={{ input: classes.latin }}
      />
      <TextInput
        ref={passwordRef}
        name="password"
        type={isShown ? 'text' : 'password'}
        label={t('login.password')}
        size="md"
        autoComplete="current-password"
        required
        withAsterisk={false}
        classNames={{ input: classes.latin }}
      />
      <Checkbox label={t('login.show')} checked={isShown} onChange={(event) => setShown(event.currentTarget.checked)} />
      <div role="alert" className={classes.failure}>
        {failure}
      </div>
      <Button type="submit" size="md" fullWidth loading={login.isPending}>
        {t('login.submit')}
      </Button>
    </form>
  );
}

function Welcome() {
  const { t } = useLanguage();
  return (
    <aside className={classes.promise} aria-label={t('app.name')}>
      <div className={classes.wings} aria-hidden="true">
        <Logo size={620} />
      </div>
      <p className={classes.tagline}>{t('app.tagline')}</p>
      <ul className={classes.list}>
        <li>
          <IconBolt size={20} aria-hidden="true" />
          {t('login.promise.one')}
        </li>
        <li>
          <IconSearch size={20} aria-hidden="true" />
          {t('login.promise.two')}
        </li>
        <li>
          <IconShieldCheck size={20} aria-hidden="true" />
          {t('login.promise.three')}
        </li>
      </ul>
    </aside>
  );
}
