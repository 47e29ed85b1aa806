/** The whole texts of a single row. */
import type { PageColumn, PageRow, PageTable } from '../page-data.ts';
import { createElement, markMatches } from './elements.ts';
import { layOutJson } from './json-text.ts';

/** Short values of the input, then all texts, then what stands beside the answer. */
export function drawTexts({ columns }: PageTable, row: PageRow, pattern: RegExp | undefined): HTMLElement[] {
  const known = columns.flatMap((column, index) => {
    const text = row[index + 2];
    return text === null || text === undefined ? [] : [{ ...column, text: String(text) }];
  });
  const isShort = ({ text }: KnownText) => text.length <= longestShort && !text.includes('\n');
  const isFact = (known: KnownText) => known.role !== 'prompt' && known.role !== 'answer' && isShort(known);
  const short = (...roles: KnownText['role'][]) =>
    known.filter((text) => roles.includes(text.role) && isFact(text));
  const long = (...roles: KnownText['role'][]) =>
    known.filter((text) => roles.includes(text.role) && !isFact(text));
  return [
    ...drawFacts(short('own'), pattern),
    ...long('prompt', 'answer').map((text) => drawText(text, pattern)),
    ...known.filter(({ role }) => role === 'reason').map((text) => drawText(text, pattern)),
    ...drawFacts(short('field'), pattern),
    ...long('field', 'own').map((text) => drawText(text, pattern)),
    ...drawFacts(short('beside'), pattern),
    ...long('beside').map((text) => drawText(text, pattern)),
  ];
}

interface KnownText extends PageColumn {
  readonly text: string;
}

const longestShort = 60;

function drawFacts(facts: readonly KnownText[], pattern: RegExp | undefined): HTMLElement[] {
  if (facts.length === 0) return [];
  const pairs = facts.map(({ title, text }) =>
    createElement(
      'div',
      {},
      createElement('dt', {}, createElement('bdi', {}, title)),
      createElement('dd', { dir: 'auto' }, ...markMatches(text, pattern)),
    ),
  );
  return [createElement('dl', { class: 'short-facts' }, ...pairs)];
}

function drawText({ title, role, text }: KnownText, pattern: RegExp | undefined): HTMLElement {
  const json = role === 'answer' || role === 'field' || role === 'own' ? layOutJson(text) : undefined;
  const kind = `text ${json === undefined ? '' : 'code'} ${role === 'reason' ? 'reason' : ''}`;
  const content = createElement(
    'div',
    { class: kind, dir: json === undefined ? 'auto' : 'ltr' },
    ...markMatches(json ?? text, pattern),
  );
  return createElement('section', {}, createElement('h3', {}, createElement('bdi', {}, title)), content);
}
