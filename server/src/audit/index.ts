/** Who did what to the system, and who looked at what: append-only, read by administrators and auditors. */
import type { Database } from '../platform/postgres.js';

export interface AuditEvent {
  actorUserId: number | null;
  actorName: string | null;
  /** e.g. login, logout, lab-start, route-refused, user-added, import */
  action: string;
  subject: string | null;
  outcome: 'allowed' | 'refused' | 'failed';
  address: string | null;
  detail: Record<string, unknown>;
}

/** Limitation: an event names the address of the nearest peer, which behind a reverse proxy is the proxy. */
export async function recordAuditEvent(database: Database, event: AuditEvent): Promise<void> {
  await database`
    insert into audit_event (actor_user_id, actor_name, action, subject, outcome, address, detail)
    values (${event.actorUserId}, ${printable(event.actorName)}, ${event.action}, ${printable(event.subject)},
      ${event.outcome}, ${event.address}, ${JSON.stringify(event.detail).replaceAll('\\u0000', '')}::text::jsonb)`;
}

/** PostgreSQL's text has no NUL, and a name that somebody typed may hold one. */
function printable(text: string | null): string | null {
  return text?.replaceAll('\0', '�').toWellFormed().slice(0, 1_000) ?? null;
}
