import { Skeleton } from '@mantine/core';
import { lazy, Suspense } from 'react';
import classes from './chart-frame.module.css';
import type { DayPlot } from './day-chart';

// 60 kB of Chart.js that the first paint does not need
const DayChart = lazy(() => import('./day-chart'));

/** The room of a chart, from the first moment on: nothing below it moves when the chart comes. */
export function ChartFrame({ plot, empty }: { plot: DayPlot | undefined; empty?: string | false | undefined }) {
  return (
    <div className={classes.frame}>
      <Suspense fallback={<Skeleton height="100%" radius="md" />}>
        {plot ? <DayChart plot={plot} /> : <Skeleton height="100%" radius="md" />}
      </Suspense>
      {empty && <p className={classes.empty}>{empty}</p>}
    </div>
  );
}
