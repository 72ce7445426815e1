import { Skeleton } from '@mantine/core';

/** The shape of the cards that are on their way. */
export function ExecutionSkeletons({ count }: { count: number }) {
  return Array.from({ length: count }, (_, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: placeholders have no identity
    <Skeleton key={index} height={132} radius={16} aria-hidden="true" />
  ));
}
