import { useQuery } from '@tanstack/react-query';
import { Fragment, useMemo } from 'react';
import { useLanguage } from '../text/language';
import classes from './code-view.module.css';
import type { Excerpt } from './excerpt';
import { splitInvisible } from './invisible-characters';
import { findMatches } from './matches';
import type { Token } from './python-highlight';

// parsing 50,000 characters takes about 20 ms; beyond that the colours are not worth a late frame
const HIGHLIGHT_MAX = 50_000;
const EXCERPT_LINE_MAX = 2_000;

interface CodeViewProps {
  code: string;
  label: string;
  /** show only these lines */
  excerpt?: Pick<Excerpt, 'from' | 'count'> | undefined;
  /** occurrences of this text are marked */
  match?: string | undefined;
}

/**
 * Code as it ran, always left to right. Each token is isolated, so that a Persian comment cannot move its neighbours,
 * and characters that have no shape of their own are drawn as badges: what is read here is what was executed.
 */
export function CodeView({ code, label, excerpt, match }: CodeViewProps) {
  const highlight = useHighlighter();
  const from = excerpt?.from ?? 0;
  const to = excerpt ? excerpt.from + excerpt.count : Number.POSITIVE_INFINITY;
  const lines = useMemo(() => {
    if (highlight && code.length <= HIGHLIGHT_MAX) return highlight(code).slice(from, to);
    const shown = code.split('\n').slice(from, to);
    // one line can be a megabyte of data: a card shows the beginning of it
    return shown.map((text) => [
      { text: to === Number.POSITIVE_INFINITY ? text : text.slice(0, EXCERPT_LINE_MAX), kind: '' },
    ]);
  }, [code, highlight, from, to]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable from the keyboard
    // biome-ignore lint/a11y/useSemanticElements: a fieldset can't hold preformatted text as it is
    <pre role="group" className={classes.code} dir="ltr" tabIndex={0} aria-label={label}>
      <code>
        {lines.map((tokens, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other identity and never move
          <Fragment key={index}>
            <Line tokens={tokens} match={match} />
            {index < lines.length - 1 && '\n'}
          </Fragment>
        ))}
      </code>
    </pre>
  );
}

function Line({ tokens, match }: { tokens: Token[]; match: string | undefined }) {
  const ranges = match ? findMatches(tokens.map((token) => token.text).join(''), match) : [];
  let position = 0;
  return tokens.map((token, index) => {
    const from = position;
    position += token.text.length;
    return (
      // biome-ignore lint/suspicious/noArrayIndexKey: tokens have no other identity and never move
      <span key={index} className={classes.token} data-kind={token.kind || undefined}>
        {cutAtMatches(token.text, from, ranges).map((piece) =>
          piece.marked ? (
            <mark key={piece.at}>
              <Visible text={piece.text} />
            </mark>
          ) : (
            <Visible key={piece.at} text={piece.text} />
          ),
        )}
      </span>
    );
  });
}

function cutAtMatches(text: string, from: number, ranges: [number, number][]) {
  const pieces: { at: number; text: string; marked: boolean }[] = [];
  let at = 0;
  const push = (end: number, marked: boolean) => {
    if (end > at) pieces.push({ at, text: text.slice(at, end), marked });
    at = Math.max(at, end);
  };
  for (const [start, end] of ranges) {
    if (end <= from || start >= from + text.length) continue;
    push(start - from, false);
    push(Math.min(end - from, text.length), true);
  }
  push(text.length, false);
  return pieces;
}

/** Text with a badge for each character that nobody would see. */
export function Visible({ text }: { text: string }) {
  const { t } = useLanguage();
  const stretches = splitInvisible(text);
  if (stretches.every((stretch) => !stretch.invisible)) return text;
  return stretches.map((stretch, index) =>
    stretch.invisible ? (
      <span
        // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a fixed text never move
        key={index}
        className={classes.invisible}
        title={t('code.invisible', { name: stretch.invisible })}
      >
        {stretch.invisible}
      </span>
    ) : (
      stretch.text
    ),
  );
}

/** The parser comes after the first paint: 30 kB that nobody needs to read plain code. */
function useHighlighter() {
  const { data } = useQuery({
    queryKey: ['python-highlight'],
    queryFn: async () => (await import('./python-highlight')).highlightPython,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
  });
  return data;
}
