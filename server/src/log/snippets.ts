/** Distinct code of one person: stored once, never changed. */
import { createHmac } from 'node:crypto';
import type { Transaction } from '../platform/postgres.js';
import { redact } from './redact.js';
import { toStored } from './text.js';

export interface CodeText {
  code: string;
  truncated?: { bytes: number; sha256: string } | undefined;
}

/** Key of the user's digests. @throws where the user does not exist */
export async function readDigestKey(transaction: Transaction, userId: number): Promise<Buffer> {
  const [row] = await transaction<{ key: Buffer }[]>`select digest_key as key from users where id = ${userId}`;
  if (!row) throw new Error(`User ${userId} does not exist`);
  return row.key;
}

/** A shortened text is told apart from an equal whole one by the digest of what was cut. */
export function digestOf(key: Buffer, { code, truncated }: CodeText): string {
  const hmac = createHmac('sha256', key).update(toStored(redact(code)));
  if (truncated) hmac.update(`\0${truncated.bytes} ${truncated.sha256}`);
  return hmac.digest('hex');
}

/** Stores what is new. @returns the id of each text, in the order given */
export async function storeSnippets(
  transaction: Transaction,
  userId: number,
  key: Buffer,
  texts: CodeText[],
): Promise<number[]> {
  if (texts.length === 0) return [];
  const digests = texts.map((text) => digestOf(key, text));
  const distinct = new Map(digests.map((digest, index) => [digest, texts[index] as CodeText]));
  const ordered = [...distinct].sort(([a], [b]) => (a < b ? -1 : 1));
  await transaction`
    insert into snippet (user_id, digest, code, truncated_bytes, truncated_sha256)
    select ${userId}, decode(digest, 'hex'), code, bytes, decode(sha256, 'hex')
    from unnest(${ordered.map(([digest]) => digest)}::text[], ${ordered.map(([, text]) => toStored(redact(text.code)))}::text[],
      ${ordered.map(([, text]) => text.truncated?.bytes ?? null)}::bigint[],
      ${ordered.map(([, text]) => text.truncated?.sha256 ?? null)}::text[]) as new(digest, code, bytes, sha256)
    on conflict (user_id, digest) do nothing`;
  const rows = await transaction<{ id: number; digest: string }[]>`
    select id, encode(digest, 'hex') as digest from snippet
    where user_id = ${userId}
      and digest = any(array(select decode(d, 'hex') from unnest(${[...distinct.keys()]}::text[]) as wanted(d)))`;
  const ids = new Map(rows.map((row) => [row.digest, row.id]));
  return digests.map((digest) => {
    const id = ids.get(digest);
    if (id === undefined) throw new Error('A snippet that was just stored is not there');
    return id;
  });
}
