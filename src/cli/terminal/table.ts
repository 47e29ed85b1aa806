/** Tables on stdout: aligned and uncut for pipes, no wider than the terminal for people. */
import { cleanLine, MarkedLine } from './lines.ts';
import type { Colour, Terminal } from './terminal.ts';

export interface Column {
  readonly title: string;
  /** One per row. */
  readonly cells: readonly string[];
  /** Where there is no room, columns of less worth are left out first; a column without it stays. */
  readonly worth?: number;
  /** How narrow it may be cut before a column is left out. Default: not at all. */
  readonly least?: number;
  /** The same where there is no room though all that may go has gone. Default: a few letters of what has a `least`. */
  readonly leastAtWorst?: number;
  /** Whether it goes, the first of these first, where not even cut columns have room. */
  readonly goesAtWorst?: boolean;
  readonly alignRight?: boolean;
  readonly colourOf?: (row: number) => Colour | undefined;
}

type Measure = (text: string) => number;

const gap = '  ';
/** What is left of a cell, when it must be cut though it should not be. */
const leastOfAll = 4;

export async function printTable(columns: readonly Column[], terminal: Terminal): Promise<void> {
  const clean = columns.map(cleanColumn);
  const measure = await openMeasure(clean);
  const { screenWidth } = terminal;
  const shown = screenWidth === undefined ? clean : fitColumns(clean, screenWidth, measure);
  const paint = screenWidth === undefined ? (_: unknown, text: string) => text : terminal.paint;
  for (const line of alignColumns(shown, measure, paint)) terminal.printResult(new MarkedLine(line));
}

/** Ahead of colours and widths: a name may hold anything. */
function cleanColumn(column: Column): Column {
  return { ...column, cells: column.cells.map(cleanLine) };
}

/** Only other letters than Latin need the tables of their widths, which take a while to load. */
async function openMeasure(columns: readonly Column[]): Promise<Measure> {
  if (columns.every(({ cells }) => cells.every((cell) => /^[\x20-\x7e]*$/.test(cell))))
    return (text) => text.length;
  const { default: stringWidth } = await import('string-width');
  return stringWidth;
}

function alignColumns(
  columns: readonly Column[],
  measure: Measure,
  paint: (colour: Colour | undefined, text: string) => string,
): string[] {
  const widths = columns.map((column) => widthOf(column, measure));
  const alignCell = (text: string, column: number) => {
    const filling = ' '.repeat((widths[column] ?? 0) - measure(text));
    return columns[column]?.alignRight ? { before: filling, after: '' } : { before: '', after: filling };
  };
  const joinCells = (textOf: (column: Column) => string, row?: number) =>
    columns
      .map((column, index) => {
        const text = textOf(column);
        const { before, after } = alignCell(text, index);
        const colour = row === undefined ? undefined : column.colourOf?.(row);
        return before + paint(colour, text) + after;
      })
      .join(gap)
      .trimEnd();
  const rows = columns[0]?.cells ?? [];
  return [
    joinCells(({ title }) => title),
    ...rows.map((_, row) => joinCells(({ cells }) => cells[row] ?? '', row)),
  ];
}

function widthOf({ title, cells }: Column, measure: Measure): number {
  return cells.reduce((widest, cell) => Math.max(widest, measure(cell)), title.length);
}

/** The columns that there is room for, cut as far as they need be. */
function fitColumns(columns: readonly Column[], room: number, measure: Measure): Column[] {
  const kept = [...columns];
  const widthWith = (cut: (column: Column) => number) =>
    kept.reduce((sum, column) => sum + cut(column), gap.length * (kept.length - 1));
  const fullWidth = (column: Column) => widthOf(column, measure);
  const leastWidth = (column: Column) =>
    Math.min(fullWidth(column), column.least ?? Number.POSITIVE_INFINITY);
  // What says nothing new goes before anything is cut.
  dropWhile(kept, ({ worth }) => worth === 0 && widthWith(fullWidth) > room);
  dropWhile(kept, ({ worth }) => worth !== undefined && widthWith(leastWidth) > room);
  // An id is of no use when it is cut: what may be cut goes first.
  const leastWhereCut = (column: Column) => {
    const { least, leastAtWorst = least === undefined ? Number.POSITIVE_INFINITY : leastOfAll } = column;
    return Math.min(fullWidth(column), leastAtWorst);
  };
  dropWhile(kept, ({ goesAtWorst }) => goesAtWorst === true && widthWith(leastWhereCut) > room);
  const fitting = [leastWidth, leastWhereCut].find((least) => widthWith(least) <= room);
  return cutColumns(kept, room, measure, fullWidth, fitting ?? (() => leastOfAll));
}

/** Takes out the columns of least worth, as long as there are such that may go. */
function dropWhile(columns: Column[], mayGo: (column: Column) => boolean): void {
  for (;;) {
    const [next] = columns.filter(mayGo).sort((a, b) => (a.worth ?? 0) - (b.worth ?? 0));
    if (!next) return;
    columns.splice(columns.indexOf(next), 1);
  }
}

/** Makes the widest column narrower until all of them fit. */
function cutColumns(
  columns: readonly Column[],
  room: number,
  measure: Measure,
  fullWidth: (column: Column) => number,
  leastWidth: (column: Column) => number,
): Column[] {
  const widths = columns.map(fullWidth);
  const least = columns.map(leastWidth);
  let excess = widths.reduce((sum, width) => sum + width, gap.length * (columns.length - 1)) - room;
  for (; excess > 0; excess--) {
    const spare = widths.map((width, column) => (width > (least[column] ?? 0) ? width : 0));
    const widest = spare.indexOf(Math.max(...spare));
    if (spare[widest] === 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return columns.map((column, index) => cutColumn(column, widths[index] ?? 0, measure));
}

function cutColumn(column: Column, width: number, measure: Measure): Column {
  return {
    ...column,
    title: cutText(column.title, width, measure),
    cells: column.cells.map((cell) => cutText(cell, width, measure)),
  };
}

function cutText(text: string, width: number, measure: Measure): string {
  if (measure(text) <= width) return text;
  let kept = '';
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (measure(kept + segment) >= width) break;
    kept += segment;
  }
  return `${kept}…`;
}
