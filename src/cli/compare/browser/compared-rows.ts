/** The table of one page of rows, with the answers of each side by side. No other row is in the document. */
import { createElement, writeExcerpt } from '../../report/browser/elements.ts';
import type { ComparedColumn, ComparedRow, ComparedTable } from '../page-data.ts';

export interface ShownRow {
  readonly row: ComparedRow;
  /** Its place in what is shown, from 0. */
  readonly place: number;
}

interface PlacedColumn extends ComparedColumn {
  readonly index: number;
}

/** `open` is called with the place of a row that is clicked. */
export function drawRows(
  table: ComparedTable,
  rows: readonly ShownRow[],
  pattern: RegExp | undefined,
  open: (place: number) => void,
): HTMLTableElement {
  // Roles are said, because a narrow screen shows the table as blocks.
  const shown = placeColumns(table).filter(({ inTable }) => inTable);
  const heads = [{ title: 'Row', kind: 'number' }, ...shown].map(({ title, kind }) =>
    createElement('th', { scope: 'col', role: 'columnheader', class: kind }, createElement('bdi', {}, title)),
  );
  const body = rows.map(({ row, place }) => {
    const number = createElement('button', { type: 'button', class: 'open' }, String(row[0]));
    number.setAttribute('aria-label', `Row ${row[0]}${row[1] === 1 ? ', answers differ' : ''}: show whole`);
    const head = createElement('th', { scope: 'row', role: 'rowheader', class: 'number' }, number);
    const cells = shown.map((column) => drawCell(table, row, column, pattern));
    const kind = row[1] === 1 ? 'differs' : '';
    const line = createElement('tr', { role: 'row', class: kind }, head, ...cells);
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

export function placeColumns({ columns }: ComparedTable): PlacedColumn[] {
  return columns.map((column, index) => ({ ...column, index }));
}

/** Whether the answer of this output is not what the row expects; one without an answer is not. */
export function isWrong(table: ComparedTable, row: ComparedRow, output: number): boolean {
  const columns = placeColumns(table);
  const expected = columns.find(({ role }) => role === 'expected');
  const answer = columns.filter(({ role }) => role === 'answer')[output];
  if (!expected?.inTable || !answer) return false;
  const wanted = row[expected.index + 2] ?? null;
  return wanted !== null && wanted !== (row[answer.index + 2] ?? null);
}

function drawCell(
  table: ComparedTable,
  row: ComparedRow,
  { title, kind, role, index }: PlacedColumn,
  pattern: RegExp | undefined,
): HTMLTableCellElement {
  const cell = createElement('td', { role: 'cell', class: kind, 'data-title': title });
  const text = row[index + 2] ?? null;
  if (role === 'answer' && isWrong(table, row, countAnswers(table, index))) {
    cell.classList.add('wrong');
    cell.append(createElement('span', { class: 'not', role: 'img', 'aria-label': 'not as expected' }, '✗ '));
  }
  if (text === null) cell.append(createElement('span', { class: 'none' }, '—'));
  else {
    const excerpt = writeExcerpt(String(text), pattern);
    cell.append(createElement('div', { class: 'excerpt', dir: 'auto' }, ...excerpt));
  }
  return cell;
}

/** How many of the columns before this one are answers. */
function countAnswers({ columns }: ComparedTable, index: number): number {
  return columns.slice(0, index).filter(({ role }) => role === 'answer').length;
}
