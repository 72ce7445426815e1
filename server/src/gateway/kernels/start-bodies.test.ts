import { describe, expect, test } from 'vitest';
import { checkBody } from './start-bodies.js';

const specs = new Map([['python3', true]]);
const id = '11111111-2222-4333-8444-555555555555';
const session = { path: 'a.ipynb', type: 'notebook', name: 'a.ipynb', kernel: { name: 'python3' } };

describe('bodies that start kernels', () => {
  test.each([
    ['kernel-start', { name: 'python3' }],
    ['kernel-start', { name: 'python3', path: 'reports/2026' }],
    ['session-start', session],
    ['session-start', { ...session, kernel: { name: 'python3', id: null } }],
    ['session-start', { ...session, kernel: { id } }],
    ['session-start', { ...session, path: 'گزارش/آمار.ipynb' }],
    ['session-change', { path: 'b.ipynb', name: 'b.ipynb', type: 'notebook' }],
    ['session-change', { kernel: { name: 'python3' } }],
    ['session-change', { kernel: { id } }],
  ] as const)('%s with %j passes', (route, body) => {
    expect(checkBody(route, JSON.stringify(body), specs)).toEqual({ kind: 'valid', body: JSON.stringify(body) });
  });

  test.each([
    ['kernel-start', {}],
    ['kernel-start', { name: 'bash' }],
    ['kernel-start', { name: ['python3'] }],
    ['kernel-start', { name: 'python3', path: '..' }],
    ['kernel-start', { name: 'python3', path: 'a/../../b' }],
    ['kernel-start', { name: 'python3', path: 'a\\..\\b' }],
    ['kernel-start', { name: 'python3', path: 'a\u0000b' }],
    ['kernel-start', { name: 'python3', path: 7 }],
    ['kernel-start', { name: 'python3', env: { LD_PRELOAD: 'x' } }],
    ['kernel-start', [{ name: 'python3' }]],
    ['kernel-start', null],
    ['session-start', { ...session, kernel: {} }],
    ['session-start', { ...session, kernel: null }],
    ['session-start', { ...session, kernel: { name: 'bash' } }],
    ['session-start', { ...session, kernel: { name: 'python3', env: {} } }],
    ['session-start', { ...session, kernel: { id: '../x' } }],
    ['session-start', { ...session, path: '../a.ipynb' }],
    ['session-start', { ...session, env: {} }],
    ['session-change', { kernel: { name: 'bash' } }],
    ['session-change', { path: './a' }],
  ] as const)('%s with %j is refused', (route, body) => {
    expect(checkBody(route, JSON.stringify(body), specs)).toMatchObject({ kind: 'invalid' });
  });

  test('what is not JSON is unreadable', () => {
    expect(checkBody('kernel-start', '{"name":', specs)).toEqual({ kind: 'unreadable' });
  });

  test('a repeated key is forwarded as it was checked', () => {
    const verdict = checkBody('kernel-start', '{"name":"bash","name":"python3"}', specs);
    expect(verdict).toEqual({ kind: 'valid', body: '{"name":"python3"}' });
  });

  test('__proto__ is a member like any other', () => {
    expect(checkBody('kernel-start', '{"name":"python3","__proto__":{"env":{}}}', specs)).toMatchObject({
      kind: 'invalid',
    });
  });
});
