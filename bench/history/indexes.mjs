/** Indexes are put aside while many rows are loaded, and are the same afterwards: built once, they cost a fraction. */

/**
 * @param {import('../../server/src/platform/postgres.ts').Database} owner
 * @param {string[]} tables
 * @returns {Promise<{restore(say: (detail: string) => void): Promise<void>}>}
 */
export async function putIndexesAside(owner, tables) {
  const before = await shapesOf(owner);
  const constraints = await owner`
    select conrelid::regclass::text as "table", conname as name, pg_get_constraintdef(oid) as definition
    from pg_constraint where contype in ('p', 'u') and conrelid = any(${tables}::text[]::regclass[]) order by oid`;
  for (const { table, name } of constraints) await owner.unsafe(`alter table ${table} drop constraint ${name}`);
  const indexes = await owner`
    select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
    from pg_index where indrelid = any(${tables}::text[]::regclass[]) order by indexrelid`;
  for (const { name } of indexes) await owner.unsafe(`drop index ${name}`);
  return {
    async restore(say) {
      for (const { table, name, definition } of constraints) {
        say(name);
        await owner.unsafe(`alter table ${table} add constraint ${name} ${definition}`);
      }
      for (const { name, definition } of indexes) {
        say(name);
        // Of a partitioned table the catalogue says ON ONLY, which would leave its partitions without.
        await owner.unsafe(definition.replace(' ON ONLY ', ' ON '));
      }
      const after = await shapesOf(owner);
      if (after.join() !== before.join()) throw new Error('The indexes are not what the migrations made');
    },
  };
}

/** Every index of every partition, without its name: those of partitions are numbered by the order of creation. */
async function shapesOf(owner) {
  const rows = await owner`
    select indexdef from pg_indexes where schemaname = 'public'`;
  return rows.map(({ indexdef }) => indexdef.replace(/INDEX \S+ ON/, 'INDEX ON')).sort();
}
