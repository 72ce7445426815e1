import type { api } from '@shaparak/contract';

export type FindingKind = api.FindingKind;
export type Finding = api.Findings['findings'][number];

const TONES = {
  'wire-only': 'bad',
  'kernel-only': 'bad',
  'code-differs': 'bad',
  'outcome-differs': 'bad',
  'end-unwitnessed': 'warn',
  'sequence-gap': 'bad',
  'sensor-gap': 'warn',
  'sensor-silent': 'warn',
  'unregistered-kernel': 'bad',
  'msg-id-reused': 'warn',
  'forged-output': 'bad',
  'forged-delivery': 'bad',
  'clock-difference': 'warn',
} as const satisfies Record<FindingKind, 'bad' | 'warn'>;

export const FINDING_KINDS = Object.keys(TONES) as FindingKind[];

/** How urgent a finding is: explained ones are not any more. */
export function toneOf({ kind, explained }: Pick<Finding, 'kind' | 'explained'>): 'bad' | 'warn' | 'good' {
  return explained ? 'good' : TONES[kind];
}

const LONGEST = 300;

/** What the finding rests on, as names and short texts. It has no code, but values of a newer server are unknown here. */
export function evidenceRows(evidence: Finding['evidence']): [name: string, value: string][] {
  return Object.entries(evidence).map(([name, value]) => {
    const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
    return [name, text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text];
  });
}

const FLOORS = [99, 95, 90, 75, 50] as const;

/** Where the axis of the shares begins: near enough to the lowest day for a small loss to be seen; calm where there is none. */
export function floorOf(shares: (number | null)[]): number {
  const lowest = Math.min(100, ...shares.filter((share) => share !== null));
  return lowest === 100 ? 0 : (FLOORS.find((floor) => floor < lowest) ?? 0);
}
