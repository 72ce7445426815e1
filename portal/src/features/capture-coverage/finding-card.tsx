import { IconAlertTriangle, IconCircleCheck, IconClock, IconCpu, IconNotebook, IconUser } from '@tabler/icons-react';
import { useLanguage } from '../../text/language';
import { Visible } from '../../ui/code-view';
import classes from './coverage.module.css';
import { evidenceRows, type Finding, toneOf } from './findings';

const SHORT_ID = 8;

/** One finding: what it is, whose and when, what it means, what to do, and what it rests on. */
export function FindingCard({ finding, now }: { finding: Finding; now: number }) {
  const { t } = useLanguage();
  const { kind, explained, evidence } = finding;
  const tone = toneOf(finding);
  const Icon = explained ? IconCircleCheck : IconAlertTriangle;
  const rows = evidenceRows(evidence);
  return (
    <article className={classes.finding} data-tone={tone} aria-labelledby={`finding-${finding.id}`}>
      <header className={classes.findingHead}>
        <h3 id={`finding-${finding.id}`} className={classes.kind}>
          <Icon size={18} aria-hidden="true" />
          {t(`finding.${kind}`)}
        </h3>
        <code className={`${classes.code} latin`}>{kind}</code>
        {explained && <span className={classes.explained}>{t('findings.explained')}</span>}
      </header>
      <Facts finding={finding} now={now} />
      <p className={classes.meaning}>{t(`finding.${kind}.means`)}</p>
      <p className={classes.advice}>
        <strong>{t('findings.advice')}</strong>{' '}
        {explained ? t('findings.explained.advice') : t(`finding.${kind}.advice`)}
      </p>
      {rows.length > 0 && (
        <dl className={classes.evidence} dir="ltr">
          {rows.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <Visible text={value} />
              </dd>
            </div>
          ))}
        </dl>
      )}
    </article>
  );
}

function Facts({ finding, now }: { finding: Finding; now: number }) {
  const { t, format } = useLanguage();
  const { username, found_at, notebook_path, kernel_id } = finding;
  return (
    <ul className={classes.facts}>
      <li>
        <IconUser size={14} aria-hidden="true" />
        <span className="visually-hidden">{t('users.name')}: </span>
        <span className="latin">{username}</span>
      </li>
      <li>
        <IconClock size={14} aria-hidden="true" />
        <time dateTime={found_at} title={format.ago(found_at, now)}>
          {format.dateTime(found_at)}
        </time>
      </li>
      {notebook_path && (
        <li className={classes.notebook}>
          <IconNotebook size={14} aria-hidden="true" />
          <span className="visually-hidden">{t('execution.notebook')}: </span>
          <span className="latin">
            <Visible text={notebook_path} />
          </span>
        </li>
      )}
      {kernel_id && (
        <li>
          <IconCpu size={14} aria-hidden="true" />
          <span className="visually-hidden">{t('execution.kernel')}: </span>
          <code className="latin" title={kernel_id}>
            {kernel_id.slice(0, SHORT_ID)}
          </code>
        </li>
      )}
    </ul>
  );
}
