import { Skeleton } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './tile.module.css';

interface TileProps {
  label: string;
  icon: ReactNode;
  tone?: 'accent' | 'violet' | 'good' | 'warn';
  /** undefined while it is being read */
  value: ReactNode | undefined;
  unit?: string;
  note?: ReactNode;
  noteTone?: 'good' | 'bad' | undefined;
  extra?: ReactNode;
}

/** One number with its name above and a second, small line below. */
export function Tile({ label, icon, tone = 'accent', value, unit, note, noteTone, extra }: TileProps) {
  return (
    <div className={classes.tile} data-tone={tone}>
      <dt className={classes.label}>
        <span className={classes.icon} aria-hidden="true">
          {icon}
        </span>
        {label}
      </dt>
      <dd className={classes.body}>
        {value === undefined ? (
          <Skeleton height={34} width="55%" my={4} />
        ) : (
          <span className={classes.value}>
            {value}
            {unit && <span className={classes.unit}> {unit}</span>}
          </span>
        )}
        <span className={classes.note} data-tone={noteTone}>
          {note ?? '\u00a0'}
        </span>
      </dd>
      {extra}
    </div>
  );
}

/** `isMany`: five numbers side by side where four would be wide */
export function Tiles({ label, isMany, children }: { label: string; isMany?: boolean; children: ReactNode }) {
  return (
    <section aria-label={label}>
      <dl className={classes.tiles} data-many={isMany || undefined}>
        {children}
      </dl>
    </section>
  );
}
