import { problems } from '@shaparak/contract';
import { describe, expect, it } from 'vitest';
import { en } from './en';
import { fa } from './fa';
import { createTranslate, problemKey } from './text';

const placeholders = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).sort();
const keys = Object.keys(fa) as (keyof typeof fa)[];

describe('texts', () => {
  it('have the same keys in both languages', () => {
    expect(Object.keys(en).sort()).toEqual([...keys].sort());
  });

  it.each(keys)('%s takes the same values in both languages and is not empty', (key) => {
    expect(placeholders(en[key])).toEqual(placeholders(fa[key]));
    expect(fa[key].trim()).not.toBe('');
    expect(en[key].trim()).not.toBe('');
  });

  it('are Persian in Persian: Arabic yeh and kaf, and Latin digits, do not slip in', () => {
    for (const key of keys) expect(fa[key], key).not.toMatch(/[يك0-9٠-٩]/);
  });

  it('fill in values and leave unknown names visible', () => {
    expect(createTranslate('fa')('home.greeting', { name: 'test_user' })).toBe('سلام، test_user');
    expect(createTranslate('en')('home.greeting')).toBe('Hello, {name}');
  });
});

describe('problems', () => {
  it('of the whole catalogue have a sentence of their own', () => {
    for (const code of Object.keys(problems)) expect(problemKey(code)).toBe(`problem.${code}`);
  });

  it('that this portal does not know read as unexpected', () => {
    expect(problemKey('from-a-newer-server')).toBe('problem.unexpected');
    expect(problemKey('toString')).toBe('problem.unexpected');
  });
});
