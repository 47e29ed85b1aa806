/**
 * Tells by the start of a file what stands between its cells, as long as nobody says it:
 *
 * 1. what a first line such as `sep=;` says;
 * 2. a comma, where the header has two cells or more by it, and each of the first records as many;
 * 3. a semicolon, a tab or a bar of which the same is true: the one by which the header has the most cells;
 * 4. where that is true of none, as rows lack cells: the one by which the header has the most, and at least half of the
 *    first records two or more;
 * 5. a comma. So a file of one column has one, whatever its texts hold.
 *
 * The first records are those in the first 64 KiB, and nothing in quotes counts.
 */
import { LoomError } from '../../core/errors.ts';
import type { FileType } from '../../core/models.ts';
import type { TextLayout } from '../format.ts';
import { startBytes } from '../text/file-start.ts';
import {
  comma,
  type Delimiter,
  type Dialect,
  delimiterOf,
  dialectOf,
  knownDelimiters,
  tab,
} from './cells.ts';

const newline = 0x0a;
const carriageReturn = 0x0d;
const byteOrderMark = '\ufeff';

/** The dialect of a table whose text begins so. LoomError `usage` for quotes that can't be text. */
export function findDialect(start: Buffer, fileType: FileType, layout: TextLayout = {}): Dialect {
  const said = fileType === 'csv' && layout.sepLine !== false ? readSepLine(start) : undefined;
  const settled = delimiterByType(fileType) ?? (layout.delimiter && delimiterOf(layout.delimiter)) ?? said;
  const delimiter = settled || findDelimiter(start, layout);
  if (layout.quoting === 'none' && delimiter !== tab) {
    throw new LoomError('usage', `quoting can't be none with ${delimiter.name} between the cells.`, {
      code: 'quoting_needs_tabs',
      facts: { delimiter: delimiter.name },
      hint: 'An answer that holds one has no place in such a file: give the cells quotes, or tabs between them.',
    });
  }
  return dialectOf(delimiter, { ...layout, sepLine: said !== undefined });
}

/** What a file says by its name stands between its cells. */
export function delimiterByType(fileType: FileType): Delimiter | undefined {
  return fileType === 'tsv' ? tab : undefined;
}

/** The delimiter in the line with which Excel is told of it; undefined where there is no such line. */
function readSepLine(start: Buffer): Delimiter | undefined {
  const [, said] = /^\ufeff?"?sep=([\t\x20-\x7e])"?\r?(?:\n|$)/i.exec(start.toString('utf8', 0, 16)) ?? [];
  return said === undefined || said === '"' ? undefined : delimiterOf(said);
}

function findDelimiter(start: Buffer, { quoting }: TextLayout): Delimiter {
  const counts = knownDelimiters.map((delimiter) => {
    const { quote } = dialectOf(delimiter, { quoting });
    return { delimiter, cells: countCells(start, delimiter.byte, quote) };
  });
  const [withCommas, ...others] = counts.filter(({ cells }) => isEven(cells));
  if (withCommas?.delimiter === comma) return comma;
  const even = mostInHeader(withCommas ? [withCommas, ...others] : []);
  return (even ?? mostInHeader(counts.filter(({ cells }) => isUsual(cells))))?.delimiter ?? comma;
}

interface CellCounts {
  readonly delimiter: Delimiter;
  /** Of each of the first records; the header's is the first. */
  readonly cells: readonly number[];
}

/** Each record has as many cells as the header, and that is more than one. */
function isEven([header = 1, ...others]: CellCounts['cells']): boolean {
  return header > 1 && others.every((count) => count === header);
}

/** The header has more than one cell, and so has at least half of the records. */
function isUsual([header = 1, ...others]: CellCounts['cells']): boolean {
  return header > 1 && others.filter((count) => count > 1).length * 2 >= others.length;
}

/** Of equal ones the first. */
function mostInHeader(counts: readonly CellCounts[]): CellCounts | undefined {
  return counts.reduce<CellCounts | undefined>(
    (most, each) => (most && (most.cells[0] as number) >= (each.cells[0] as number) ? most : each),
    undefined,
  );
}

/** How many cells each of the first records has by this delimiter; a record that is cut off counts for nothing. */
function countCells(start: Buffer, delimiter: number, quote: number): number[] {
  const length = Math.min(start.length, startBytes);
  const counts: number[] = [];
  let cells = 1;
  let isEmpty = true;
  let isQuoted = false;
  const endRecord = () => {
    if (!isEmpty) counts.push(cells);
    cells = 1;
    isEmpty = true;
  };
  for (let at = start.toString('utf8', 0, 3) === byteOrderMark ? 3 : 0; at < length; at += 1) {
    const byte = start[at] as number;
    if (byte === newline && !isQuoted) {
      endRecord();
      continue;
    }
    if (byte === quote) isQuoted = !isQuoted;
    else if (byte === delimiter && !isQuoted) cells += 1;
    if (byte !== carriageReturn) isEmpty = false;
  }
  if (start.length < startBytes) endRecord();
  return counts;
}
