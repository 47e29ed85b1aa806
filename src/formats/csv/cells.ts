/** Cells as bytes: how ours are written, and where those of a record lie. */

const doubleQuote = 0x22;
/** Stands for no byte. */
const none = -1;

/** What stands between two cells. */
export interface Delimiter {
  /** As a sentence calls it. */
  readonly name: string;
  readonly text: string;
  readonly byte: number;
}

export const comma: Delimiter = { name: 'a comma', text: ',', byte: 0x2c };
export const semicolon: Delimiter = { name: 'a semicolon', text: ';', byte: 0x3b };
export const tab: Delimiter = { name: 'a tab', text: '\t', byte: 0x09 };
export const bar: Delimiter = { name: 'a bar', text: '|', byte: 0x7c };

/** Those that are found. */
export const knownDelimiters: readonly Delimiter[] = [comma, semicolon, tab, bar];

/** One character of ASCII as a delimiter. */
export function delimiterOf(text: string): Delimiter {
  const known = knownDelimiters.find((delimiter) => delimiter.text === text);
  return known ?? { name: `"${text}"`, text, byte: text.charCodeAt(0) };
}

/** How the records of a file are written. */
export interface Dialect {
  readonly delimiter: Delimiter;
  /** The byte that quotes cells; none where quotes are text. */
  readonly quote: typeof doubleQuote | typeof none;
  /** Whether a record may lack cells at its end. */
  readonly padsRows: boolean;
  /** Whether the first line says the delimiter, and is no record. */
  readonly hasSepLine: boolean;
}

export function dialectOf(
  delimiter: Delimiter,
  {
    quoting,
    padRows = false,
    sepLine = false,
  }: {
    readonly quoting?: 'none' | undefined;
    readonly padRows?: boolean | undefined;
    readonly sepLine?: boolean | undefined;
  } = {},
): Dialect {
  const quote = quoting === 'none' ? none : doubleQuote;
  return { delimiter, quote, padsRows: padRows, hasSepLine: sepLine };
}

/** How characters are written that a cell without quotes can't hold. */
const escapes: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/**
 * The text as one cell: in quotes when RFC 4180 asks for them whatever the file's line ends; where quotes are text, tabs and
 * line ends as `\t`, `\n` and `\r`.
 */
export function formatCell(text: string, { delimiter, quote }: Dialect): string {
  if (quote === none) return text.replace(/[\t\r\n]/g, (character) => escapes[character] as string);
  return text.includes(delimiter.text) || /["\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The text of a cell that lies between the two places, its quotes included. */
export function readCell(bytes: Buffer, start: number, end: number, quote: Dialect['quote']): string {
  if (bytes[start] !== quote || start === end) return bytes.toString('utf8', start, end);
  const text = bytes.toString('utf8', start + 1, end - 1);
  return text.includes('"') ? text.replaceAll('""', '"') : text;
}

/** Where each cell of a record lies, its quotes included. The record was parsed before: its quoting is sound. */
export function findCells(record: Buffer, dialect: Dialect): { start: number; end: number }[] {
  const cells: { start: number; end: number }[] = [];
  let start = 0;
  for (;;) {
    const end = findCellEnd(record, start, dialect);
    cells.push({ start, end });
    if (end >= record.length) return cells;
    start = end + 1;
  }
}

function findCellEnd(record: Buffer, start: number, { delimiter, quote }: Dialect): number {
  // A doubled quote closes the cell and opens it again at once, which leads to the same place.
  let at = start;
  while (record[at] === quote) at = record.indexOf(quote, at + 1) + 1;
  const end = record.indexOf(delimiter.byte, at);
  return end === -1 ? record.length : end;
}
