import type { api } from '@shaparak/contract';
import { useLanguage } from '../../text/language';
import { useNow } from '../../ui/use-now';
import classes from './launch-card.module.css';

const STEPS = ['queued', 'preparing', 'launching', 'connecting'] as const;
const TICK_MS = 100;

/** Where a start has got to: the step, the time that runs, and how long it usually takes. Honest, not a spinner. */
export function StartingProgress({ state, askedAt }: { state: api.LabState; askedAt: number }) {
  const { t, format } = useLanguage();
  const now = useNow(TICK_MS);
  const elapsed = (state.elapsed_ms ?? 0) + Math.max(0, now - askedAt);
  const reached = STEPS.indexOf(state.step ?? 'queued');
  const seconds = format.number(Math.floor(elapsed / 100) / 10);
  return (
    <div className={classes.progress}>
      <ol className={classes.steps}>
        {STEPS.map((step, index) => (
          <li
            key={step}
            data-reached={index <= reached || undefined}
            data-current={index === reached || undefined}
            aria-current={index === reached ? 'step' : undefined}
          >
            {t(`launch.step.${step}`)}
          </li>
        ))}
      </ol>
      <p className={classes.lead}>
        {t('launch.elapsed', { seconds })}
        {state.typical_ms !== null && ` · ${t('launch.typical', { typical: format.duration(state.typical_ms) })}`}
      </p>
    </div>
  );
}
