import { Button, Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { api } from '@shaparak/contract';
import { IconExternalLink, IconPlayerStop, IconRefresh, IconRocket } from '@tabler/icons-react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { ApiProblem } from '../../connection/api-problem';
import { useLanguage } from '../../text/language';
import { problemKey } from '../../text/text';
import { useLabQuery, useLabTicket, useStartLab, useStopLab } from './api';
import classes from './launch-card.module.css';
import { openLabTab, presentTicket } from './open-lab';
import { StartingProgress } from './starting-progress';

type Phase = api.LabState['state'] | 'unknown';

/**
 * The workspace button. What it shows is the server's LabState: off → starting → running → stopping → off, or failed.
 * Whoever pressed "launch" here gets the lab opened as soon as it runs; the browser allows that for some seconds after
 * the click, and later the "open" button is there.
 */
export function LaunchCard() {
  const { t, direction } = useLanguage();
  const lab = useLabQuery();
  const start = useStartLab();
  const stop = useStopLab();
  const ticket = useLabTicket();
  const [isAsking, ask] = useDisclosure(false);
  const [isBlocked, setBlocked] = useState(false);
  const openWhenRunning = useRef(false);
  const phase: Phase = lab.data?.state ?? 'unknown';

  const open = () => {
    const tab = openLabTab(t('launch.opening'), direction);
    setBlocked(!tab);
    if (!tab) return;
    ticket.mutate(undefined, { onSuccess: (given) => presentTicket(tab, given), onError: () => tab.close() });
  };
  const launch = () => {
    openWhenRunning.current = true;
    start.mutate();
  };
  const halt = () => {
    openWhenRunning.current = false;
    ask.close();
    stop.mutate();
  };

  useEffect(() => {
    if (phase === 'running' && openWhenRunning.current) {
      openWhenRunning.current = false;
      if (navigator.userActivation?.isActive) open();
    }
  });

  const failure = start.error ?? stop.error ?? ticket.error ?? lab.error;
  return (
    <section className={classes.card} data-phase={phase} aria-label={t('launch.title')}>
      <div className={classes.body}>
        <div aria-live="polite">
          <p className={classes.state}>
            <span className={classes.lamp} aria-hidden="true" />
            {phase === 'unknown' ? t('app.loading') : t(`launch.${phase}`)}
          </p>
        </div>
        {lab.data && <Lead state={lab.data} askedAt={lab.dataUpdatedAt} />}
        {isBlocked && <p className={classes.failure}>{t('launch.blocked')}</p>}
        {failure && (
          <p className={classes.failure} role="alert">
            {t(problemKey(failure instanceof ApiProblem ? failure.code : 'unexpected'))}
          </p>
        )}
      </div>
      <div className={classes.actions}>
        <Actions
          phase={phase}
          isBusy={start.isPending || stop.isPending}
          isOpening={ticket.isPending}
          launch={launch}
          cancel={halt}
          open={open}
          askToStop={ask.open}
        />
      </div>
      <Modal
        opened={isAsking}
        onClose={ask.close}
        title={t('launch.stop.title')}
        centered
        closeButtonProps={{ 'aria-label': t('app.close') }}
      >
        <p className={classes.question}>{t('launch.stop.text')}</p>
        <div className={classes.answers}>
          <Button variant="default" onClick={ask.close} data-autofocus>
            {t('launch.stop.keep')}
          </Button>
          <Button color="red.8" onClick={halt}>
            {t('launch.stop')}
          </Button>
        </div>
      </Modal>
    </section>
  );
}

function Lead({ state, askedAt }: { state: api.LabState; askedAt: number }): ReactNode {
  const { t } = useLanguage();
  if (state.state === 'starting') return <StartingProgress state={state} askedAt={askedAt} />;
  return (
    <>
      <p className={classes.lead}>{t(`launch.${state.state}.lead`)}</p>
      {state.state === 'failed' && state.reason && (
        <p className={classes.reason} dir="ltr">
          {state.reason}
        </p>
      )}
    </>
  );
}

interface ActionsProps {
  phase: Phase;
  isBusy: boolean;
  isOpening: boolean;
  launch: () => void;
  cancel: () => void;
  open: () => void;
  askToStop: () => void;
}

function Actions({ phase, isBusy, isOpening, launch, cancel, open, askToStop }: ActionsProps) {
  const { t } = useLanguage();
  switch (phase) {
    case 'starting':
      return (
        <Button className={classes.quiet} variant="default" size="md" loading={isBusy} onClick={cancel}>
          {t('launch.cancel')}
        </Button>
      );
    case 'running':
      return (
        <>
          <Button
            className={classes.main}
            size="lg"
            leftSection={<IconExternalLink size={20} />}
            loading={isOpening}
            onClick={open}
          >
            {t('launch.open')}
          </Button>
          <Button
            className={classes.quiet}
            variant="default"
            size="lg"
            leftSection={<IconPlayerStop size={18} />}
            loading={isBusy}
            onClick={askToStop}
          >
            {t('launch.stop')}
          </Button>
        </>
      );
    default:
      return (
        <Button
          className={classes.main}
          size="lg"
          leftSection={phase === 'failed' ? <IconRefresh size={20} /> : <IconRocket size={20} />}
          loading={isBusy || phase === 'stopping'}
          disabled={phase === 'unknown'}
          onClick={launch}
        >
          {t(phase === 'failed' ? 'launch.again' : 'launch.start')}
        </Button>
      );
  }
}
