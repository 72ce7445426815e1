import { useId } from 'react';

/** The butterfly (شاپرک): two wings, two witnesses. Decorative; the name always stands beside it. */
export function Logo({ size = 34 }: { size?: number }) {
  const id = useId();
  return (
    <svg width={size} height={size} viewBox="0 0 48 48" aria-hidden="true" focusable="false">
      <defs>
        <linearGradient id={`${id}a`} x1="0" y1="0" x2="1" y2="1">
          <stop stopColor="#2dd4bf" />
          <stop offset="1" stopColor="#0b7a66" />
        </linearGradient>
        <linearGradient id={`${id}b`} x1="1" y1="0" x2="0" y2="1">
          <stop stopColor="#a99bff" />
          <stop offset="1" stopColor="#5b4be0" />
        </linearGradient>
      </defs>
      <path
        fill={`url(#${id}a)`}
        d="M22.6 22.5C20 12.5 12.5 6 5.8 6.6 3.3 6.8 2.5 9 2.8 12.2c.7 7.6 6.2 13.3 14.2 13.6-4.9 1.3-8.3 4.7-8.3 9.1 0 4.4 3.3 7.1 7.3 6.3 4.5-.9 7-6.6 6.6-18.7z"
      />
      <path
        fill={`url(#${id}b)`}
        d="M25.4 22.5C28 12.5 35.5 6 42.2 6.6c2.5.2 3.3 2.4 3 5.6-.7 7.6-6.2 13.3-14.2 13.6 4.9 1.3 8.3 4.7 8.3 9.1 0 4.4-3.3 7.1-7.3 6.3-4.5-.9-7-6.6-6.6-18.7z"
      />
    </svg>
  );
}
