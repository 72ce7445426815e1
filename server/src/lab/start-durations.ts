/** How long the last starts took, so that a person who waits knows what is usual here. */
export interface StartDurations {
  add(milliseconds: number): void;
  /** null before the first start of this process */
  median(): number | null;
}

const kept = 10;

export function createStartDurations(): StartDurations {
  const last: number[] = [];
  return {
    add(milliseconds) {
      last.push(Math.round(milliseconds));
      if (last.length > kept) last.shift();
    },
    median() {
      const sorted = [...last].sort((a, b) => a - b);
      return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
    },
  };
}
