import { SegmentedControl } from '@mantine/core';
import { useLanguage } from '../text/language';

const PERIODS = [7, 30, 90] as const;

/** How many days a page looks back. */
export function PeriodControl({ days, change }: { days: number; change: (days: number) => void }) {
  const { t, format } = useLanguage();
  return (
    <SegmentedControl
      size="xs"
      radius="md"
      aria-label={t('chart.period')}
      data={PERIODS.map((period) => ({
        value: String(period),
        label: t('chart.days', { days: format.number(period) }),
      }))}
      value={String(days)}
      onChange={(value) => change(Number(value))}
    />
  );
}
