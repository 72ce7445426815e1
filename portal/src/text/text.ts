import type { ProblemCode } from '@shaparak/contract';
import type { Language } from '../format';
import { en } from './en';
import { fa, type TextKey } from './fa';

type TextValues = Record<string, string>;
export type Translate = (key: TextKey, values?: TextValues) => string;

// every failure of the contract's catalogue has a sentence: a new code without one does not compile
fa satisfies Record<`problem.${ProblemCode}`, string>;

const LANGUAGES: Record<Language, Record<TextKey, string>> = { fa, en };

/** Gives the text of a key in one language, with `{name}` replaced by the value of that name. */
export function createTranslate(language: Language): Translate {
  const texts = LANGUAGES[language];
  return (key, values = {}) => texts[key].replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** The sentence for a failure; a code that this portal does not know yet reads as unexpected. */
export function problemKey(code: string): TextKey {
  const key = `problem.${code}`;
  return isTextKey(key) ? key : 'problem.unexpected';
}

function isTextKey(key: string): key is TextKey {
  return Object.hasOwn(fa, key);
}
