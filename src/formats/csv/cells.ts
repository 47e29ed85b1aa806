/** Cells as bytes: how ours are written, and where those of a record lie. */

export const quote = 0x22;

/** What stands between two cells. */
export interface Delimiter {
  readonly name: string;
  readonly text: string;
  readonly byte: number;
}

export const comma: Delimiter = { name: 'a comma', text: ',', byte: 0x2c };
export const tab: Delimiter = { name: 'a tab', text: '\t', byte: 0x09 };

/** The text as one cell, in quotes when RFC 4180 asks for them whatever the file's line ends. */
export function formatCell(text: string, delimiter: Delimiter): string {
  return text.includes(delimiter.text) || /["\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The text of a cell that lies between the two places, its quotes included. */
export function readCell(bytes: Buffer, start: number, end: number): string {
  if (bytes[start] !== quote) return bytes.toString('utf8', start, end);
  const text = bytes.toString('utf8', start + 1, end - 1);
  return text.includes('"') ? text.replaceAll('""', '"') : text;
}

/** Where each cell of a record lies, its quotes included. The record was parsed before: its quoting is sound. */
export function findCells(record: Buffer, delimiter: Delimiter): { start: number; end: number }[] {
  const cells: { start: number; end: number }[] = [];
  let start = 0;
  for (;;) {
    const end = findCellEnd(record, start, delimiter);
    cells.push({ start, end });
    if (end >= record.length) return cells;
    start = end + 1;
  }
}

function findCellEnd(record: Buffer, start: number, delimiter: Delimiter): number {
  // A doubled quote closes the cell and opens it again at once, which leads to the same place.
  let at = start;
  while (record[at] === quote) at = record.indexOf(quote, at + 1) + 1;
  const end = record.indexOf(delimiter.byte, at);
  return end === -1 ? record.length : end;
}
