/** Rows of a table as records: cells by the names of their columns. */
import type { TextRecord } from './format.ts';

/** Consecutive rows, whose cells are read when somebody asks for them. */
interface Cells {
  /** By the places of a row and of a column. */
  textOf(row: number, column: number): string | null;
}

/**
 * Makes records of rows whose cells stand in the order of these names; where two columns share one, the first counts. A
 * record is a single small object: a file has millions of them.
 */
export function createRecordMaker(names: readonly string[]): (cells: Cells, row: number) => TextRecord {
  const places = new Map<string, number>();
  const note = (name: string, place: number) => {
    if (!places.has(name)) places.set(name, place);
  };
  names.forEach(note);
  // Headers such as `id, text`: a template names them without the white space.
  names.forEach((name, place) => {
    note(name.trim(), place);
  });
  const header: Header = { names, places };
  return (cells, row) => new TableRecord(header, cells, row);
}

interface Header {
  readonly names: readonly string[];
  readonly places: ReadonlyMap<string, number>;
}

class TableRecord implements TextRecord {
  readonly #header: Header;
  readonly #cells: Cells;
  readonly #row: number;

  constructor(header: Header, cells: Cells, row: number) {
    this.#header = header;
    this.#cells = cells;
    this.#row = row;
  }

  get names(): readonly string[] {
    return this.#header.names;
  }

  textOf(name: string): string | null {
    const place = this.#header.places.get(name);
    return (place === undefined ? null : this.#cells.textOf(this.#row, place)) || null;
  }
}
