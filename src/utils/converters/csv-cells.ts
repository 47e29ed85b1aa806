/** Cells as bytes: how ours are written, and where those of a record lie. */

const quote = 0x22;
const comma = 0x2c;

/** The text as one CSV cell, in quotes when RFC 4180 asks for them whatever the file's line ends. */
export function formatCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Where each cell of a record lies, its quotes included. The record was parsed before: its quoting is sound. */
export function findCells(record: Buffer): { start: number; end: number }[] {
  const cells: { start: number; end: number }[] = [];
  let start = 0;
  for (;;) {
    const end = findCellEnd(record, start);
    cells.push({ start, end });
    if (end >= record.length) return cells;
    start = end + 1;
  }
}

function findCellEnd(record: Buffer, start: number): number {
  // A doubled quote closes the cell and opens it again at once, which leads to the same place.
  let at = start;
  while (record[at] === quote) at = record.indexOf(quote, at + 1) + 1;
  const end = record.indexOf(comma, at);
  return end === -1 ? record.length : end;
}
