import { useComputedColorScheme } from '@mantine/core';
import {
  CategoryScale,
  Chart,
  type ChartData,
  type ChartOptions,
  Filler,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
} from 'chart.js';
import { useEffect, useMemo, useState } from 'react';
import { Line } from 'react-chartjs-2';
import type { Format } from '../format';
import { useLanguage } from '../text/language';

Chart.register(LineController, LineElement, PointElement, LinearScale, CategoryScale, Filler, Legend, Tooltip);

const FONT = "'Vazirmatn Variable', system-ui, sans-serif";
// in both schemes at least 3 : 1 against the card
const COLOURS = {
  light: { accent: '#0a8f78', bad: '#d0364a', grid: '#e6edee', text: '#506366', surface: '#ffffff' },
  dark: { accent: '#4fd1b5', bad: '#ff8a93', grid: '#22303a', text: '#a3b3ba', surface: '#131c22' },
};

interface DayLine {
  label: string;
  tone: 'accent' | 'bad';
  /** one for each day; null where there is nothing to show */
  values: (number | null)[];
  fill?: boolean;
}

export interface DayPlot {
  /** days as the API writes them, oldest first */
  days: string[];
  lines: DayLine[];
  description: string;
  formatValue: (value: number) => string;
  /** ends of the axis, where they are no matter of the values */
  range?: { from: number; to: number };
  /** a further line of the tooltip */
  note?: (index: number) => string;
}

/** The plot must stay the same object as long as it says the same: a new one is drawn anew. Time runs in the direction of reading: in Persian the oldest day is at the right. */
export default function DayChart({ plot }: { plot: DayPlot }) {
  const { format, direction } = useLanguage();
  const scheme = useComputedColorScheme('light');
  const isFontReady = useFont();
  const data = useMemo(() => chartData(plot, scheme, format), [plot, scheme, format]);
  const options = useMemo(() => chartOptions(plot, scheme, direction, format), [plot, scheme, direction, format]);
  if (!isFontReady) return null;
  return <Line key={direction} data={data} options={options} role="img" aria-label={plot.description} />;
}

/** A canvas is drawn once: before the font has come, Persian would stay in the fallback font. */
function useFont() {
  const [isReady, setReady] = useState(() => document.fonts.check(`12px ${FONT}`, 'آ'));
  useEffect(() => {
    let isGone = false;
    const done = () => {
      if (!isGone) setReady(true);
    };
    document.fonts.load(`12px ${FONT}`, 'آبان').then(done, done);
    return () => {
      isGone = true;
    };
  }, []);
  return isReady;
}

type Scheme = 'light' | 'dark';

function chartData({ days, lines }: DayPlot, scheme: Scheme, format: Format): ChartData<'line'> {
  const colours = COLOURS[scheme];
  const isDense = days.length > 40;
  return {
    labels: days.map(format.shortDay),
    datasets: lines.map(({ label, tone, values, fill = false }) => ({
      label,
      data: values,
      borderColor: colours[tone],
      backgroundColor: fill ? `${colours[tone]}22` : colours[tone],
      pointBackgroundColor: colours.surface,
      pointBorderWidth: 2,
      // a day between two empty ones has no line: without its point nobody would see it
      pointRadius: values.map((_, index) => (isDense && !isAlone(values, index) ? 0 : 3.5)),
      pointHoverRadius: 5,
      borderWidth: 2.5,
      clip: 8, // a value at the end of the axis is drawn whole
      cubicInterpolationMode: 'monotone' as const,
      fill,
    })),
  };
}

const isAlone = (values: (number | null)[], index: number) =>
  (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null;

function chartOptions(
  { days, formatValue, range, note }: DayPlot,
  scheme: Scheme,
  direction: 'rtl' | 'ltr',
  format: Format,
): ChartOptions<'line'> {
  const colours = COLOURS[scheme];
  const isRtl = direction === 'rtl';
  const font = { family: FONT, size: 12 };
  return {
    responsive: true,
    maintainAspectRatio: false,
    layout: { padding: { left: 14, right: 14 } }, // the last day's label is wider than its half step
    animation: window.matchMedia('(prefers-reduced-motion: reduce)').matches ? false : { duration: 350 },
    interaction: { mode: 'index', intersect: false },
    scales: {
      x: {
        reverse: isRtl,
        grid: { display: false },
        border: { color: colours.grid },
        ticks: { color: colours.text, font, maxRotation: 0, autoSkipPadding: 18 },
      },
      y: {
        position: isRtl ? 'right' : 'left',
        ...(range ? { min: range.from, max: range.to } : { beginAtZero: true, suggestedMax: 4 }),
        border: { display: false },
        grid: { color: colours.grid },
        // Chart.js formats 0 by itself, in Latin digits, whatever the locale is
        ticks: {
          color: colours.text,
          font,
          ...(range ? {} : { precision: 0 }),
          maxTicksLimit: 6,
          callback: (value) => formatValue(Number(value)),
        },
      },
    },
    plugins: {
      legend: {
        rtl: isRtl,
        position: 'bottom',
        labels: {
          color: colours.text,
          font: { ...font, size: 13 },
          usePointStyle: true,
          pointStyle: 'circle',
          boxHeight: 7,
        },
      },
      tooltip: {
        rtl: isRtl,
        textDirection: direction,
        titleFont: { ...font, size: 13 },
        bodyFont: { ...font, size: 13 },
        footerFont: { ...font, weight: 'normal' },
        padding: 12,
        cornerRadius: 10,
        usePointStyle: true,
        callbacks: {
          title: ([item]) => {
            const day = item && days[item.dataIndex];
            return day ? format.day(day) : '';
          },
          label: (item) => ` ${item.dataset.label}: ${formatValue(item.parsed.y ?? 0)}`,
          footer: ([item]) => (item && note ? note(item.dataIndex) : ''),
        },
      },
    },
  };
}
