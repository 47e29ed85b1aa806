/** The table of one page of rows. No other row is in the document. */
import { type PageColumn, type PageRow, type PageTable, rowStatuses } from '../page-data.ts';
import { createElement, writeExcerpt } from './elements.ts';

const statusTitles = ['answered', 'failed', 'without a prompt', 'no answer'];

export interface ShownRow {
  readonly row: PageRow;
  /** Its place in what is shown, from 0. */
  readonly place: number;
}

/** `open` is called with the place of a row that is clicked. */
export function drawRows(
  table: PageTable,
  rows: readonly ShownRow[],
  pattern: RegExp | undefined,
  open: (place: number) => void,
): HTMLTableElement {
  // Roles are said, because a narrow screen shows the table as blocks.
  const shown = table.columns
    .map((column, index) => ({ ...column, index }))
    .filter((column) => column.inTable);
  const heads = [{ title: 'Row', kind: 'number' }, ...shown].map(({ title, kind }) =>
    createElement('th', { scope: 'col', role: 'columnheader', class: kind }, createElement('bdi', {}, title)),
  );
  const body = rows.map(({ row, place }) => {
    const number = createElement('button', { type: 'button', class: 'open' }, String(row[0]));
    number.setAttribute('aria-label', `Row ${row[0]}, ${statusTitles[row[1]]}: show whole`);
    const head = createElement('th', { scope: 'row', role: 'rowheader', class: 'number' }, number);
    const cells = shown.map((column) => {
      const text = row[column.index + 2] ?? null;
      const reason = column.index === table.answerColumn ? row[table.reasonColumn + 2] : undefined;
      return text === null && reason
        ? drawCell(reason, column, 'reason', pattern)
        : drawCell(text, column, '', pattern);
    });
    const line = createElement('tr', { role: 'row', class: rowStatuses[row[1]] ?? '' }, head, ...cells);
    line.addEventListener('click', () => {
      // Who marks text with the mouse does not want it covered.
      if (getSelection()?.isCollapsed !== false) open(place);
    });
    return line;
  });
  return createElement(
    'table',
    { class: 'rows', role: 'table' },
    createElement('thead', { role: 'rowgroup' }, createElement('tr', { role: 'row' }, ...heads)),
    createElement('tbody', { role: 'rowgroup' }, ...body),
  );
}

function drawCell(
  text: string | number | null,
  { title, kind }: PageColumn,
  kindOfText: string,
  pattern: RegExp | undefined,
): HTMLElement {
  const cell = createElement('td', { role: 'cell', class: kind, 'data-title': title });
  if (text === null) cell.append(createElement('span', { class: 'none' }, '—'));
  else {
    const excerpt = writeExcerpt(String(text), pattern);
    cell.append(createElement('div', { class: `excerpt ${kindOfText}`, dir: 'auto' }, ...excerpt));
  }
  return cell;
}
