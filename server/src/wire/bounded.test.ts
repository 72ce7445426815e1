/** Both sensors cut in the same places and digest the same bytes: the fixture was computed by the kernel's sensor. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { capture } from '@shaparak/contract';
import { describe, expect, it } from 'vitest';
import { checkObservation } from '../intake/check.js';
import { asText, boundedName, boundedText, optionalName } from './bounded.js';

interface Case {
  name: string;
  formula: { repeat: string; times: number }[];
  kept_units: number;
  kept_sha256: string;
}
type TextCase = Case & { head_units: number; tail_units: number; truncated: capture.Truncation | null };
interface Fixture {
  mark: string;
  texts: TextCase[];
  names: Case[];
}

const file = join(import.meta.dirname, '../../../contract/fixtures/bounded-text.json');
const fixture = JSON.parse(readFileSync(file, 'utf8')) as Fixture;
const build = ({ formula }: Case) => formula.map(({ repeat, times }) => repeat.repeat(times)).join('');
const digest = (text: string) => createHash('sha256').update(Buffer.from(text, 'utf16le')).digest('hex');

describe('a text', () => {
  it.each(fixture.texts)('$name: is kept as the kernel’s sensor keeps it', (one) => {
    const whole = build(one);
    const kept = boundedText(whole);
    expect(kept.truncated ?? null).toEqual(one.truncated);
    expect([kept.text.length, digest(kept.text)]).toEqual([one.kept_units, one.kept_sha256]);
    if (one.truncated === null) expect(kept.text === whole).toBe(true);
    else expect(kept.text.startsWith(fixture.mark, one.head_units)).toBe(true);
  });
});

describe('a name', () => {
  it.each(fixture.names)('$name: is kept as the kernel’s sensor keeps it', (one) => {
    const kept = boundedName(build(one));
    expect([kept.length, digest(kept)]).toEqual([one.kept_units, one.kept_sha256]);
  });

  it('that a client made of anything else is text all the same', () => {
    expect([null, undefined, 7, true].map(boundedName)).toEqual(['', '', '7', 'true']);
    expect([null, undefined, 7].map(optionalName)).toEqual([null, null, '7']);
  });

  it('that cannot be turned into text by itself is written as JSON', () => {
    const hostile = JSON.parse('{"toString":1,"valueOf":[]}');
    expect(boundedName(hostile)).toBe('{"toString":1,"valueOf":[]}');
    expect(boundedName([hostile])).toBe('[{"toString":1,"valueOf":[]}]');
    expect(asText(null)).toBe('null');
  });

  it.each(fixture.names)('$name: fits the contract', (one) => {
    const name = boundedName(build(one));
    const observation = { sequence: 1, observed_at: '2026-11-23T08:00:00Z', type: 'input_given', msg_id: name };
    const rest = { client_session: name, prompt: '', password: false, text: '', length: 0 };
    expect(checkObservation({ ...observation, ...rest }).kind).toBe('valid');
  });
});
