import { useComputedColorScheme } from '@mantine/core';
import type { api } from '@shaparak/contract';
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
import type { Format } from '../../format';
import { useLanguage } from '../../text/language';
import type { Translate } from '../../text/text';

Chart.register(LineController, LineElement, PointElement, LinearScale, CategoryScale, Filler, Legend, Tooltip);

const FONT = "'Vazirmatn Variable', system-ui, sans-serif";
// in both schemes at least 3 : 1 against the card
const COLOURS = {
  light: { executions: '#0a8f78', errors: '#d0364a', grid: '#e6edee', text: '#506366', surface: '#ffffff' },
  dark: { executions: '#4fd1b5', errors: '#ff8a93', grid: '#22303a', text: '#a3b3ba', surface: '#131c22' },
};

/** The line chart itself. Time runs in the direction of reading: in Persian the oldest day is at the right. */
export default function DailyChart({ newestFirst }: { newestFirst: api.DailyStat[] }) {
  const { t, format, direction } = useLanguage();
  const scheme = useComputedColorScheme('light');
  const isFontReady = useFont();
  const days = useMemo(() => [...newestFirst].reverse(), [newestFirst]);
  const data = useMemo(() => chartData(days, scheme, t, format), [days, scheme, t, format]);
  const options = useMemo(() => chartOptions(days, scheme, direction, format), [days, scheme, direction, format]);
  if (!isFontReady) return null;
  return (
    <Line
      key={direction}
      data={data}
      options={options}
      role="img"
      aria-label={t('chart.description', { days: format.number(days.length) })}
    />
  );
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

function chartData(days: api.DailyStat[], scheme: Scheme, t: Translate, format: Format): ChartData<'line'> {
  const colours = COLOURS[scheme];
  const isDense = days.length > 40;
  const line = (label: string, values: number[], colour: string, fill: boolean) => ({
    label,
    data: values,
    borderColor: colour,
    backgroundColor: fill ? `${colour}22` : colour,
    pointBackgroundColor: colours.surface,
    pointBorderWidth: 2,
    pointRadius: isDense ? 0 : 3.5,
    pointHoverRadius: 5,
    borderWidth: 2.5,
    cubicInterpolationMode: 'monotone' as const,
    fill,
  });
  return {
    labels: days.map((day) => format.shortDay(day.date)),
    datasets: [
      line(
        t('chart.executions'),
        days.map((day) => day.executions),
        colours.executions,
        true,
      ),
      line(
        t('chart.errors'),
        days.map((day) => day.error_count),
        colours.errors,
        false,
      ),
    ],
  };
}

function chartOptions(
  days: api.DailyStat[],
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
        beginAtZero: true,
        suggestedMax: 4,
        border: { display: false },
        grid: { color: colours.grid },
        // Chart.js formats 0 by itself, in Latin digits, whatever the locale is
        ticks: {
          color: colours.text,
          font,
          precision: 0,
          maxTicksLimit: 6,
          callback: (value) => format.number(Number(value)),
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
        padding: 12,
        cornerRadius: 10,
        usePointStyle: true,
        callbacks: {
          title: ([item]) => {
            const day = item && days[item.dataIndex];
            return day ? format.day(day.date) : '';
          },
          label: (item) => ` ${item.dataset.label}: ${format.number(item.parsed.y ?? 0)}`,
        },
      },
    },
  };
}
