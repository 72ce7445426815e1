import { describe, expect, it } from 'vitest';
import { readHistorySearch } from './history-search';

describe('the address of the history page', () => {
  it('keeps query, status and how much was shown', () => {
    const search = { query: 'read_csv', status: 'error', shown: 60 };
    expect(readHistorySearch(search)).toEqual(search);
  });

  it('takes a query that looks like a number as text', () => {
    expect(readHistorySearch({ query: 42 })).toEqual({ query: '42' });
  });

  it.each([{ shown: 1e9 }, { shown: '1000' }])('never asks for more than the API gives: %j', (raw) => {
    expect(readHistorySearch(raw)).toEqual({ shown: 1000 });
  });

  it('forgives what a person typed into it', () => {
    expect(readHistorySearch({ query: ['a'], status: 'lost', shown: 'many', other: 1 })).toEqual({});
  });
});
