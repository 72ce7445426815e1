import { FINDING_KINDS, type FindingKind } from './findings';

const PERIODS = [7, 30, 90] as const;
const ORDINARY = 30;

/** What the address of the coverage page holds: /portal/admin/coverage?days=7&filter=ali&kind=wire-only&user=ali.rezaei */
export interface CoverageSearch {
  days?: 7 | 90;
  /** part of a name, for the table of people */
  filter?: string;
  /** of the findings */
  kind?: FindingKind;
  user?: string;
}

/** Takes what is usable from an address that a person may have edited; a month is ordinary and stands in no address. */
export function readCoverageSearch(raw: Record<string, unknown>): CoverageSearch {
  const search: CoverageSearch = {};
  const days = PERIODS.find((period) => period === Number(raw.days));
  if (days && days !== ORDINARY) search.days = days;
  const filter = readName(raw.filter);
  if (filter) search.filter = filter;
  const kind = FINDING_KINDS.find((one) => one === raw.kind);
  if (kind) search.kind = kind;
  const user = readName(raw.user);
  if (user) search.user = user;
  return search;
}

export const periodOf = ({ days }: CoverageSearch): number => days ?? ORDINARY;

/** The router reads `?user=123` as a number. */
const readName = (value: unknown) =>
  typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, 255) : '';
