/** What the gateway tells of itself: how far it has delivered, and which of its sensors live. */
import type { capture } from '@shaparak/contract';
import { toStored } from '../log/text.js';
import type { Database } from '../platform/postgres.js';

export async function tellWireProgress(database: Database, gateway: string, until: Date): Promise<void> {
  await database`
    insert into wire_progress (gateway, caught_up_to) values (${gateway}, ${until})
    on conflict (gateway) do update set caught_up_to = excluded.caught_up_to, told_at = now()`;
}

export async function tellWireSigns(database: Database, instances: string[]): Promise<void> {
  if (instances.length === 0) return;
  await database`
    update sensor set last_heard_at = now() where instance = any(${instances}::uuid[]) and kind = 'wire'`;
}

/** A record that the database refuses for what it holds; kept as it came. */
export async function quarantineObservation(
  database: Database,
  userId: number,
  instance: string,
  observation: capture.Observation,
  reason: string,
): Promise<void> {
  await database`
    insert into quarantine (user_id, instance, sequence, reason, body)
    values (${userId}, ${instance}, ${observation.sequence}, ${toStored(reason)}, ${toStored(JSON.stringify(observation))})`;
}
