import type { api } from '@shaparak/contract';
import { describe, expect, it } from 'vitest';
import { arrangeUsers, readUsersSearch } from './users-search';

const user = (username: string, total: number, mean: number | null): api.UserActivity => ({
  username,
  total_executions: total,
  today_executions: 0,
  error_count: 0,
  avg_time_ms: mean,
  last_active: null,
  role: 'analyst',
  disabled: false,
});
const users = [user('ali.rezaei', 89, 20), user('admin', 0, null), user('test_user', 150, 10)];
const names = (search: Parameters<typeof arrangeUsers>[1]) =>
  arrangeUsers(users, search).map(({ username }) => username);

describe('users', () => {
  it('stand with the most active first', () => {
    expect(names({})).toEqual(['test_user', 'ali.rezaei', 'admin']);
  });

  it('without a value stand last in both orders', () => {
    expect(names({ sort: 'avg_time_ms' })).toEqual(['ali.rezaei', 'test_user', 'admin']);
    expect(names({ sort: 'avg_time_ms', order: 'asc' })).toEqual(['test_user', 'ali.rezaei', 'admin']);
  });

  it('are found by a part of the name', () => {
    expect(names({ filter: 'REZ' })).toEqual(['ali.rezaei']);
  });

  it('with equal values have a steady order', () => {
    expect(names({ sort: 'today_executions' })).toEqual(['admin', 'ali.rezaei', 'test_user']);
  });
});

describe('the address of the users page', () => {
  it('keeps what is usable', () => {
    expect(readUsersSearch({ filter: 'ali', sort: 'error_count', order: 'asc', page: 2 })).toEqual({
      filter: 'ali',
      sort: 'error_count',
      order: 'asc',
      page: 2,
    });
  });

  it('forgives the rest', () => {
    expect(readUsersSearch({ filter: { a: 1 }, sort: 'constructor', order: 'up', page: -3 })).toEqual({});
  });
});
