import { Tooltip } from '@mantine/core';
import type { api } from '@shaparak/contract';
import { IconAlertTriangle, IconCheck, IconHelp, IconPlayerStop } from '@tabler/icons-react';
import { useLanguage } from '../text/language';
import classes from './status-badge.module.css';

const ICONS = { success: IconCheck, error: IconAlertTriangle, interrupted: IconPlayerStop, lost: IconHelp } as const;

/** How an execution ended: by colour, by shape and by word. */
export function StatusBadge({ outcome }: { outcome: api.Outcome }) {
  const { t } = useLanguage();
  const Icon = ICONS[outcome];
  const badge = (
    <span className={classes.badge} data-outcome={outcome}>
      <Icon size={14} stroke={2.4} aria-hidden="true" />
      {t(`execution.status.${outcome}`)}
    </span>
  );
  return outcome === 'lost' ? <Tooltip label={t('execution.status.lost.hint')}>{badge}</Tooltip> : badge;
}
