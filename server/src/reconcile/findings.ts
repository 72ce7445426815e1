/** Findings as administrators read them: what, whose, when, and no code. */
import type { api } from '@shaparak/contract';
import { fromStored } from '../log/index.js';
import type { Database } from '../platform/postgres.js';

export interface ReconcileDependencies {
  database: Database;
  timeZone: string;
  formatInstant(instant: Date): string;
}

export interface FindingsInput {
  limit: number;
  kind?: api.FindingKind | undefined;
  username?: string | undefined;
  cursor?: string | undefined;
}

interface FindingRow {
  id: number;
  kind: api.FindingKind;
  username: string;
  foundAt: Date;
  kernelId: string | null;
  executionId: number | null;
  notebookPath: string | null;
  explained: boolean;
  evidence: Record<string, unknown>;
}

/** Newest first; pages go on after the id of the last one, which only grows. */
export async function readFindings(
  { database, formatInstant }: ReconcileDependencies,
  { limit, kind, username, cursor }: FindingsInput,
): Promise<api.Findings> {
  const filters = database`
    ${kind === undefined ? database`` : database`and f.kind = ${kind}`}
    ${username === undefined ? database`` : database`and u.username = ${username}`}`;
  const rows = await database<FindingRow[]>`
    select f.id, f.kind, u.username, f.found_at as "foundAt", f.kernel_id as "kernelId", k.execution_id as "executionId",
      e.notebook_path as "notebookPath", f.evidence,
      f.kind in ('wire-only', 'kernel-only') and exists (select from witness w where w.user_id = f.user_id
        and w.kernel_id = f.kernel_id and w.msg_id = f.msg_id and w.occurrence = f.occurrence) as explained
    from finding f
    join users u on u.id = f.user_id
    left join execution_key k on k.user_id = f.user_id and k.kernel_id = f.kernel_id and k.msg_id = f.msg_id
      and k.occurrence = f.occurrence
    left join execution e on e.user_id = k.user_id and e."timestamp" = k."timestamp" and e.id = k.execution_id
    where true ${filters} ${cursor === undefined ? database`` : database`and f.id < ${Number(cursor)}`}
    order by f.id desc limit ${limit}`;
  const counted = await database<{ kind: api.FindingKind; count: number }[]>`
    select f.kind, count(*) as count from finding f join users u on u.id = f.user_id
    where true ${filters} group by f.kind order by count desc, f.kind`;
  const plain = (text: string | null) => (text === null ? null : fromStored(text));
  return {
    findings: rows.map(({ foundAt, kernelId, executionId, notebookPath, ...row }) => ({
      ...row,
      found_at: formatInstant(foundAt),
      kernel_id: plain(kernelId),
      execution_id: executionId,
      notebook_path: plain(notebookPath),
    })),
    count: rows.length,
    total: counted.reduce((sum, one) => sum + one.count, 0),
    by_kind: counted.map(({ kind: of, count }) => ({ kind: of, count })),
    next_cursor: rows.length === limit ? String(rows.at(-1)?.id) : null,
  };
}
