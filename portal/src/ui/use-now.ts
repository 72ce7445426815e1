import { useEffect, useState } from 'react';

/** The present time, moving on every `everyMs`, so that «۵ دقیقه پیش» does not stand still. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const id = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(id);
  }, [everyMs]);
  return now;
}
