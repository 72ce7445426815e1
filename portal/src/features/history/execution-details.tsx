import type { api } from '@shaparak/contract';
import type { ReactNode } from 'react';
import { useLanguage } from '../../text/language';
import { Visible } from '../../ui/code-view';
import { CopyButton } from '../../ui/copy-button';
import classes from './history-page.module.css';

type Input = api.ActivityDetails['inputs'][number];
type File = api.ActivityDetails['files'][number];
const SHORT_DIGEST = 12;

interface ExecutionDetailsProps {
  execution: api.Activity;
  /** undefined while they are being read */
  inputs: Input[] | undefined;
  files: File[] | undefined;
}

/** What is known about one execution beside its code, and what ran beside that code. */
export function ExecutionDetails({ execution, inputs = [], files = [] }: ExecutionDetailsProps) {
  return (
    <>
      <Known execution={execution} />
      {inputs.length > 0 && <Inputs inputs={inputs} />}
      {files.length > 0 && <Files files={files} />}
    </>
  );
}

function Known({ execution }: { execution: api.Activity }) {
  const { t, format } = useLanguage();
  return (
    <dl className={classes.details}>
      <Detail name={t('execution.started')}>{execution.started_at && format.exactTime(execution.started_at)}</Detail>
      <Detail name={t('execution.ended')}>{format.exactTime(execution.timestamp)}</Detail>
      <Detail name={t('execution.duration')}>
        {execution.execution_time_ms !== null && format.duration(execution.execution_time_ms)}
      </Detail>
      <Detail name={t('execution.evidence')}>{t(`evidence.${execution.evidence}`)}</Detail>
      <Detail name={t('execution.notebook')} isCode>
        {execution.notebook_path}
      </Detail>
      <Detail name={t('execution.kernel')} isCode>
        {execution.kernel_id}
      </Detail>
      <Detail name={t('execution.cell.id')} isCode>
        {execution.cell_id}
      </Detail>
      <Detail name={t('execution.id')} isCode>
        {String(execution.id)}
      </Detail>
    </dl>
  );
}

function Detail({ name, isCode, children }: { name: string; isCode?: boolean; children: ReactNode }) {
  if (children === null || children === false || children === '') return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{isCode ? <code className="latin">{children}</code> : children}</dd>
    </div>
  );
}

function Inputs({ inputs }: { inputs: Input[] }) {
  const { t, format } = useLanguage();
  return (
    <div className={classes.beside}>
      <p className={classes.besideTitle}>{t('execution.inputs')}</p>
      <ul>
        {inputs.map((input, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: what was given never changes its place
          <li key={index}>
            <span className={classes.prompt} dir="auto">
              {input.prompt.trim() === '' ? t('execution.input.unprompted') : <Visible text={input.prompt} />}
            </span>
            {input.password ? (
              <span>{t('execution.input.password', { count: format.number(input.length) })}</span>
            ) : (
              <Given text={input.text} />
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Given({ text }: { text: string | null }) {
  const { t } = useLanguage();
  if (!text) return <span className={classes.prompt}>{t('execution.input.empty')}</span>;
  return (
    <code className={classes.given} dir="ltr">
      <Visible text={text} />
    </code>
  );
}

function Files({ files }: { files: File[] }) {
  const { t, format } = useLanguage();
  return (
    <div className={classes.beside}>
      <p className={classes.besideTitle}>{t('execution.files')}</p>
      <ul>
        {files.map((file, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: what ran never changes its place
          <li key={index}>
            <code className={classes.given} dir="ltr">
              <Visible text={file.path} />
            </code>
            <span>{file.bytes === null ? t('execution.file.unread') : format.size(file.bytes)}</span>
            {file.sha256 && (
              <span className={classes.digest}>
                <code className="latin" title={file.sha256}>
                  sha256:{file.sha256.slice(0, SHORT_DIGEST)}
                </code>
                <CopyButton text={file.sha256} label={t('execution.file.copy')} />
              </span>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}
