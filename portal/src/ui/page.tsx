import { type ReactNode, useEffect, useRef } from 'react';
import { useLanguage } from '../text/language';
import classes from './page.module.css';

interface PageProps {
  /** name of the page in the browser's title; also the heading when there is no other */
  title: string;
  heading?: ReactNode;
  lead?: ReactNode;
  aside?: ReactNode;
  children: ReactNode;
}

/** A page: its document title, its one h1, which takes the focus when the page was reached by a link. */
export function Page({ title, heading, lead, aside, children }: PageProps) {
  const { t } = useLanguage();
  const ref = useRef<HTMLHeadingElement>(null);
  const documentTitle = `${title} · ${t('app.short')}`;
  useEffect(() => {
    document.title = documentTitle;
  }, [documentTitle]);
  useEffect(() => {
    // after loading, the focus is on nothing and stays at the top of the document, where the skip link is
    if (document.activeElement !== document.body) ref.current?.focus({ preventScroll: true });
  }, []);
  return (
    <div className={classes.page}>
      <header className={classes.head}>
        <div className={classes.titles}>
          <h1 ref={ref} tabIndex={-1} className={classes.heading}>
            {heading ?? title}
          </h1>
          {lead && <div className={classes.lead}>{lead}</div>}
        </div>
        {aside}
      </header>
      {children}
    </div>
  );
}
