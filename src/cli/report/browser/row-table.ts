/** The table of one page of rows. No other row is in the document. */
import { labelsOf } from '../../../core/words.ts';
import { type PageColumn, type PageRow, type PageTable, rowStatuses } from '../page-data.ts';
import { createElement, writeExcerpt } from './elements.ts';

const statusTitles = ['answered', 'failed', 'without a prompt', 'no answer'];

export interface ShownRow {
  readonly row: PageRow;
  /** Its place in what is shown, from 0. */
  readonly place: number;
}

export interface TableView {
  readonly table: PageTable;
  readonly rows: readonly ShownRow[];
  /** What is marked. */
  readonly pattern: RegExp | undefined;
  isShown(column: number): boolean;
  /** Called with the place of a row that is clicked. */
  open(place: number): void;
}

interface ShownColumn extends PageColumn {
  readonly index: number;
}

export function drawRows({ table, rows, pattern, isShown, open }: TableView): HTMLTableElement {
  // Roles are said, because a narrow screen shows the table as blocks.
  const shown = orderColumns(table).filter(({ index }) => isShown(index));
  const heads = [{ title: 'Row', kind: 'number' }, ...shown].map(({ title, kind }) =>
    createElement('th', { scope: 'col', role: 'columnheader', class: kind }, createElement('bdi', {}, title)),
  );
  const body = rows.map(({ row, place }) => {
    const number = createElement('button', { type: 'button', class: 'open' }, String(row[0]));
    number.setAttribute('aria-label', `Row ${row[0]}, ${statusTitles[row[1]]}: show whole`);
    const head = createElement('th', { scope: 'row', role: 'rowheader', class: 'number' }, number);
    const cells = drawCells(row, shown, table, pattern);
    const line = createElement('tr', { role: 'row', class: rowStatuses[row[1]] ?? '' }, head, ...cells);
    line.addEventListener('click', () => {
      // Who marks text with the mouse does not want it covered.
      if (getSelection()?.isCollapsed !== false) open(place);
    });
    return line;
  });
  const drawn = createElement(
    'table',
    { class: 'rows', role: 'table' },
    createElement('thead', { role: 'rowgroup' }, createElement('tr', { role: 'row' }, ...heads)),
    createElement('tbody', { role: 'rowgroup' }, ...body),
  );
  drawn.style.setProperty('--least', `${leastWidth(shown)}rem`);
  return drawn;
}

/** What tells rows apart, then what was asked and answered, and what else the input has where there is room. */
function orderColumns({ columns }: PageTable): ShownColumn[] {
  // Where it is not known what was asked, some column of the input is that.
  const isAsked = (role: PageColumn['role']) =>
    role === 'prompt' ||
    (role === 'own' && !columns.some((column) => column.role === 'prompt' && column.inTable));
  const rank = ({ role, kind }: PageColumn) =>
    kind === 'id' ? 0 : isAsked(role) ? 1 : role === 'answer' || role === 'field' ? 2 : 3;
  return columns.map((column, index) => ({ ...column, index })).sort((one, other) => rank(one) - rank(other));
}

/** Below this the table is moved within its frame. */
function leastWidth(columns: readonly PageColumn[]): number {
  const widths = { id: 7, short: 7, text: 14 };
  return columns.reduce((sum, { kind }) => sum + widths[kind], 5);
}

/** A row without an answer has its reason in place of that and of all its fields. */
function drawCells(
  row: PageRow,
  shown: readonly ShownColumn[],
  table: PageTable,
  pattern: RegExp | undefined,
): HTMLElement[] {
  const reason = row[table.reasonColumn + 2];
  const first = reason ? shown.findIndex(isAnswer) : -1;
  const after = shown.slice(first + 1).findIndex((column) => !isAnswer(column));
  const span = first < 0 ? 0 : after < 0 ? shown.length - first : after + 1;
  return shown.flatMap((column, place) => {
    if (place === first) {
      const cell = drawCell(reason ?? null, { ...column, title: 'Reason' }, 'reason', pattern);
      cell.colSpan = span;
      return [cell];
    }
    if (place > first && place < first + span) return [];
    return [drawCell(row[column.index + 2] ?? null, column, '', pattern)];
  });
}

function isAnswer({ role }: PageColumn): boolean {
  return role === 'answer' || role === 'field';
}

function drawCell(
  text: string | number | null,
  { title, kind, role }: PageColumn,
  kindOfText: string,
  pattern: RegExp | undefined,
): HTMLTableCellElement {
  const cell = createElement('td', { role: 'cell', class: kind, 'data-title': title });
  if (text === null) cell.append(createElement('span', { class: 'none' }, '—'));
  else {
    const words = role === 'field' ? labelsOf(String(text)).join(', ') : String(text);
    const excerpt = writeExcerpt(words, pattern);
    cell.append(createElement('div', { class: `excerpt ${kindOfText}`, dir: 'auto' }, ...excerpt));
  }
  return cell;
}
