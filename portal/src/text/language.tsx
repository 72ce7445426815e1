import { createContext, type ReactNode, useCallback, useContext, useLayoutEffect, useMemo, useState } from 'react';
import { createFormat, type Format, type Language } from '../format';
import { createTranslate, type Translate } from './text';

const STORAGE_KEY = 'shaparak-language'; // also read by public/first-paint.js
const DEFAULT_TIME_ZONE = 'Asia/Tehran';

interface LanguageValue {
  language: Language;
  direction: 'rtl' | 'ltr';
  setLanguage: (language: Language) => void;
  setTimeZone: (timeZone: string) => void;
  t: Translate;
  format: Format;
}

const LanguageContext = createContext<LanguageValue | null>(null);

/** Holds the language and the deployment's zone, and keeps `lang` and `dir` of the document in step. */
export function LanguageProvider({ children }: { children: ReactNode }) {
  const [language, setState] = useState<Language>(readLanguage);
  const [timeZone, setTimeZone] = useState(DEFAULT_TIME_ZONE);
  const direction = language === 'fa' ? 'rtl' : 'ltr';

  useLayoutEffect(() => {
    document.documentElement.lang = language;
    document.documentElement.dir = direction;
  }, [language, direction]);

  const setLanguage = useCallback((chosen: Language) => {
    rememberLanguage(chosen);
    setState(chosen);
  }, []);

  const value = useMemo(
    () => ({
      language,
      direction,
      setLanguage,
      setTimeZone,
      t: createTranslate(language),
      format: createFormat(language, timeZone),
    }),
    [language, direction, setLanguage, timeZone],
  ) satisfies LanguageValue;

  return <LanguageContext.Provider value={value}>{children}</LanguageContext.Provider>;
}

/** Texts and formats of the chosen language. */
export function useLanguage(): LanguageValue {
  const value = useContext(LanguageContext);
  if (!value) throw new Error('useLanguage needs a LanguageProvider above it');
  return value;
}

function readLanguage(): Language {
  try {
    return localStorage.getItem(STORAGE_KEY) === 'en' ? 'en' : 'fa';
  } catch {
    return 'fa';
  }
}

function rememberLanguage(language: Language) {
  try {
    localStorage.setItem(STORAGE_KEY, language);
  } catch {
    // storage is closed to us: the choice lasts until the tab is closed
  }
}
