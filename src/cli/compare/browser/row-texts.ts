/** The whole texts of a single row. */
import { createElement, markMatches } from '../../report/browser/elements.ts';
import type { ComparedRow, ComparedTable } from '../page-data.ts';

export function drawTexts(
  { columns }: ComparedTable,
  row: ComparedRow,
  pattern: RegExp | undefined,
): HTMLElement[] {
  return columns.flatMap(({ title, inTable, role }, index) => {
    const text = row[index + 2] ?? null;
    if (text === null && (role !== 'answer' || !inTable)) return [];
    const content = createElement(
      'div',
      { class: 'text', dir: 'auto' },
      ...(text === null ? ['—'] : markMatches(String(text), pattern)),
    );
    const head = createElement('h3', {}, createElement('bdi', {}, title));
    return [createElement('section', {}, head, content)];
  });
}
