/**
 * From the log into an index, and after it. `user_seq` of a person has no hole and grows in commit order, so everything
 * up to the `last_seq` that was read first is visible to every later statement, on any connection.
 *
 * Texts and timestamps come on two connections at once, in few large rows: 64 MB of code as 170,000 rows cost the driver
 * more than the database. PostgreSQL joined and grouped them in 800 ms; apart they take 150 and 150 at the same time.
 */
import type { PendingQuery, Row } from 'postgres';
import type { Database } from '../../platform/postgres.js';
import type { TextMemory } from './text-memory.js';
import { UserIndex } from './user-index.js';

const textsAtOnce = 2_000;
/** Longer texts come one by one, so that no row of 2,000 texts is larger than 64 MB. */
const longText = 32_768;
const runsAtOnce = 500;
const runsInRow = 8_192;

/** @throws MemoryFull, or what the database says; then nothing is kept */
export async function loadIndex(database: Database, userId: number, memory: TextMemory): Promise<UserIndex> {
  const index = new UserIndex(memory);
  const watermark = await readLastSeq(database, userId);
  const parts = await Promise.allSettled([loadTexts(database, userId, index), readRuns(database, userId, watermark)]);
  try {
    for (const part of parts) if (part.status === 'rejected') throw part.reason;
    const runs = parts[1].status === 'fulfilled' ? parts[1].value : [];
    for (const { ids, timestamps } of runs) {
      // A snippet without its text was erased: no search can find it.
      for (let at = ids.length - 1; at >= 0; at -= 1)
        if (index.has(ids[at] as number)) index.run(ids[at] as number, timestamps[at] as number);
      await turn();
    }
  } catch (error) {
    index.dispose();
    throw error;
  }
  index.watermark = watermark;
  return index;
}

/** Other requests get their turn between two pieces of work. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function readLastSeq(database: Database, userId: number): Promise<number> {
  const [row] = await database<{ last: number }[]>`select last_seq as last from user_total where user_id = ${userId}`;
  return row?.last ?? 0;
}

/** The newest first: where the memory ends, the search of what was there is no worse for it. */
async function loadTexts(database: Database, userId: number, index: UserIndex): Promise<void> {
  for (let before = Number.MAX_SAFE_INTEGER; ; ) {
    const page = database`select id, code from snippet where user_id = ${userId} and id < ${before}
      order by id desc limit ${textsAtOnce}`;
    const ids = await addTexts(database, userId, index, page);
    if (ids.length < textsAtOnce) return;
    before = ids.reduce((least, id) => Math.min(least, id), before);
  }
}

/** `snippets`: a query for id and code. @returns their ids */
async function addTexts(
  database: Database,
  userId: number,
  index: UserIndex,
  snippets: PendingQuery<Row[]>,
): Promise<number[]> {
  const [row] = (await database`
    select array_agg(id)::text, array_agg(octet_length(code))::text,
      string_agg(case when octet_length(code) <= ${longText} then code else '' end, '') from (${snippets}) as s`.raw()) as unknown as [
    (Buffer | null)[],
  ];
  const [idList, lengthList, texts] = row;
  if (!idList || !lengthList || !texts) return [];
  const ids = parseNumbers(idList);
  const lengths = parseNumbers(lengthList);
  const long: number[] = [];
  let at = 0;
  for (const [place, id] of ids.entries()) {
    const length = lengths[place] as number;
    if (length > longText) long.push(id);
    else {
      index.add(id, texts.subarray(at, at + length));
      at += length;
    }
  }
  for (const id of long) await addLongText(database, userId, index, id);
  return ids;
}

async function addLongText(database: Database, userId: number, index: UserIndex, id: number): Promise<void> {
  const [row] =
    (await database`select code from snippet where user_id = ${userId} and id = ${id}`.raw()) as unknown as [Buffer][];
  if (row) index.add(id, row[0]);
}

interface Runs {
  ids: number[];
  /** microseconds since 1970 */
  timestamps: number[];
}

/** All executions up to a number, the newest rows of them first. */
async function readRuns(database: Database, userId: number, watermark: number): Promise<Runs[]> {
  const rows: (Runs & { part: number })[] = [];
  // date_part and not extract, whose numeric costs 40 ms more; a double is exact to the microsecond for 200 years.
  await database`
    select user_seq / ${runsInRow}::int, array_agg(snippet_id)::text,
      array_agg((date_part('epoch', "timestamp") * 1000000)::bigint)::text
    from execution where user_id = ${userId} and user_seq <= ${watermark} group by 1`
    .raw()
    .forEach((row) => {
      const [part, ids, timestamps] = row as unknown as [Buffer, Buffer, Buffer];
      rows.push({ part: Number(part.toString()), ids: parseNumbers(ids), timestamps: parseNumbers(timestamps) });
    });
  return rows.sort((a, b) => b.part - a.part);
}

/** PostgreSQL's text of an array of whole numbers: {1,-2,3}. */
function parseNumbers(text: Buffer): number[] {
  const numbers: number[] = [];
  let value = 0;
  let sign = 1;
  for (let at = 1; at < text.length; at += 1) {
    const byte = text[at] as number;
    if (byte >= 0x30 && byte <= 0x39) value = value * 10 + byte - 0x30;
    else if (byte === 0x2d) sign = -1;
    else {
      numbers.push(sign * value);
      value = 0;
      sign = 1;
    }
  }
  return numbers;
}

/** Takes in what was committed since, at least up to `userSeq`, which was. @returns false where the index was thrown out meanwhile; @throws as loadIndex */
export async function catchUp(database: Database, userId: number, index: UserIndex, userSeq: number): Promise<boolean> {
  for (;;) {
    const rows = await database<{ id: number; at: number; seq: number }[]>`
      select snippet_id as id, (date_part('epoch', "timestamp") * 1000000)::bigint as at, user_seq as seq
      from execution where user_id = ${userId} and user_seq > ${index.watermark} order by user_seq limit ${runsAtOnce}`;
    const unknown = [...new Set(rows.map(({ id }) => id))].filter((id) => !index.has(id));
    if (index.isDisposed) return false;
    if (unknown.length > 0)
      await addTexts(
        database,
        userId,
        index,
        database`select id, code from snippet
          where user_id = ${userId} and id = any(${`{${unknown.join()}}`}::text::bigint[])`,
      );
    if (index.isDisposed) return false;
    for (const { id, at } of rows.reverse()) if (index.has(id)) index.run(id, at);
    index.watermark = rows[0]?.seq ?? index.watermark;
    if (rows.length < runsAtOnce) {
      // Rows that are not there any more must not be waited for.
      index.watermark = Math.max(index.watermark, userSeq);
      return true;
    }
  }
}
