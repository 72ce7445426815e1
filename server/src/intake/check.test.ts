import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkDelivery, checkObservation } from './check.js';

const fixtures = join(import.meta.dirname, '../../../contract/fixtures/observations');
const read = (name: string) => JSON.parse(readFileSync(join(fixtures, name), 'utf8'));

describe('golden observations', () => {
  it('takes each valid one, and the delivery around them', () => {
    const delivery = checkDelivery(read('valid.json'));
    expect(delivery?.observations.map((one) => checkObservation(one).kind)).toEqual(
      Array(delivery?.observations.length).fill('valid'),
    );
  });

  it.each(read('invalid.json') as { why: string; observation: unknown }[])('refuses: $why', ({ observation }) => {
    expect(checkObservation(observation).kind).toBe('invalid');
  });

  it.each([null, [], {}, { sensor: {}, observations: [] }, { ...read('valid.json'), observations: 1 }])(
    'takes %j for no delivery',
    (body) => {
      expect(checkDelivery(body)).toBeNull();
    },
  );
});
