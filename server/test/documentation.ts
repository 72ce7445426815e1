/** The documentation as tests read it: pages, their code, their headings, their links. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const checkout = join(import.meta.dirname, '../..');

export interface Page {
  /** below the checkout */
  path: string;
  text: string;
}

export const readPage = (path: string): Page => ({ path, text: readFileSync(join(checkout, path), 'utf8') });

export function allPages(): Page[] {
  const docs = readdirSync(join(checkout, 'docs'), { recursive: true, encoding: 'utf8' });
  return ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'hub/README.md', 'jupyter-user-image/README.md']
    .concat(docs.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`))
    .sort()
    .map(readPage);
}

const fence = /^( *)```(\w*)\n([\s\S]*?)^\1```/gm;
const span = /`([^`\n]+)`/g;

/** Blocks of one language, without their fences. */
export const codeBlocks = ({ text }: Page, language: string): string[] =>
  [...text.matchAll(fence)].filter(([, , found]) => found === language).map(([, , , code]) => code ?? '');

/** All that is set as code, in blocks and in lines. */
export function codeOf({ text }: Page): string[] {
  const blocks = [...text.matchAll(fence)].map(([, , , code]) => code ?? '');
  const spans = [...text.replace(fence, '').matchAll(span)].map(([, code]) => code ?? '');
  return [...blocks, ...spans];
}

/** Targets of links and pictures. Code spans are blanked and not removed, because a link's text may be one. */
export function linksOf({ text }: Page): string[] {
  const prose = text.replace(fence, '').replace(span, ' ');
  const links = [...prose.matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g), ...prose.matchAll(/(?:href|src)="([^"]+)"/g)];
  return links.map(([, target]) => target ?? '');
}

export const headingsOf = ({ text }: Page): string[] =>
  [...text.replace(fence, '').matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading]) => heading ?? '');

/** Anchors as GitHub makes them from headings. */
export function anchorsOf(page: Page): Set<string> {
  const anchors = new Set<string>();
  for (const heading of headingsOf(page)) {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = plain.replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '').replaceAll(' ', '-');
    let anchor = slug;
    for (let copy = 1; anchors.has(anchor); copy += 1) anchor = `${slug}-${copy}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Heading → what stands below it up to the next heading of any level. */
export function sectionsOf({ text }: Page): Map<string, string> {
  const parts = text.split(/^#{1,6} +(.+)$/m).slice(1);
  return new Map(parts.flatMap((part, index) => (index % 2 === 0 ? [[part, parts[index + 1] ?? ''] as const] : [])));
}

/** Rows of all tables, cell by cell, without the lines below their heads. */
export const tableRows = (text: string): string[][] =>
  [...text.matchAll(/^\| ?(.*?) ?\|$/gm)]
    .map(([, row]) => (row ?? '').split(/ ?(?<!\\)\| ?/).map((cell) => cell.trim()))
    .filter((cells) => !cells.every((cell) => /^:?-*:?$/.test(cell)));
