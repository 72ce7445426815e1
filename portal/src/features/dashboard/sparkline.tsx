import classes from './activity-tiles.module.css';

const WIDTH = 76;
const HEIGHT = 26;

/** The last days as a line without axes, oldest first; the chart below has the numbers. */
export function Sparkline({ values }: { values: number[] }) {
  const top = Math.max(...values, 1);
  const points = values.map((value, index) => {
    const x = (index / Math.max(values.length - 1, 1)) * WIDTH;
    return [x, HEIGHT - 3 - (value / top) * (HEIGHT - 6)] as const;
  });
  const last = points.at(-1);
  return (
    <svg className={classes.spark} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <polyline
        points={points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ')}
        fill="none"
        stroke="currentColor"
        strokeWidth="2"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
      {last && <circle cx={last[0]} cy={last[1]} r="3" fill="currentColor" />}
    </svg>
  );
}
