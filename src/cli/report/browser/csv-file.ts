/** Rows as a CSV file, which the browser saves. */
import type { PageRow, PageTable } from '../page-data.ts';
import { createElement } from './elements.ts';

/** So many rows are written in one go: the page stays awake. */
const rowsInTurn = 2_000;

/**
 * Saves rows with all their columns under the names that they have in the output, each row's number ahead of them. Values
 * are as they stand there: a text that begins with `=` stays one. With the mark by which Excel knows UTF-8.
 */
export async function saveRows(
  { columns, savedName, savedDelimiter }: PageTable,
  count: number,
  rowAt: (place: number) => PageRow,
): Promise<void> {
  const names = columns.map(({ name }) => name);
  const parts = [`\ufeff${writeLine([nameOfNumber(names), ...names], savedDelimiter)}`];
  for (let start = 0; start < count; start += rowsInTurn) {
    let part = '';
    for (let place = start; place < Math.min(count, start + rowsInTurn); place += 1) {
      const [number, , ...texts] = rowAt(place);
      part += writeLine([String(number), ...texts], savedDelimiter);
    }
    parts.push(part);
    await new Promise((resolve) => setTimeout(resolve));
  }
  const address = URL.createObjectURL(new Blob(parts, { type: 'text/csv' }));
  createElement('a', { href: address, download: savedName }).click();
  // Not before the browser has begun to read it.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

function nameOfNumber(names: readonly string[]): string {
  return names.includes('row') ? 'row_number' : 'row';
}

function writeLine(cells: readonly (string | null)[], delimiter: string): string {
  return `${cells.map((cell) => (cell === null ? '' : quote(cell, delimiter))).join(delimiter)}\r\n`;
}

function quote(text: string, delimiter: string): string {
  const needsQuotes = /["\r\n]|^\s|\s$/.test(text) || text.includes(delimiter);
  return needsQuotes ? `"${text.replaceAll('"', '""')}"` : text;
}
