/** Rows of a table as records: cells by the names of their columns. */
import type { TextRecord } from './format.ts';

/**
 * Makes records of cells that stand in the order of these names; where two columns share one, the first counts. A cell is
 * asked for only when somebody reads it.
 */
export function createRecordMaker(
  names: readonly string[],
): (cellAt: (place: number) => string | null | undefined) => TextRecord {
  const places = new Map<string, number>();
  const note = (name: string, place: number) => {
    if (!places.has(name)) places.set(name, place);
  };
  names.forEach(note);
  // Headers such as `id, text`: a template names them without the white space.
  names.forEach((name, place) => {
    note(name.trim(), place);
  });
  return (cellAt) => ({
    names,
    textOf(name) {
      const place = places.get(name);
      return (place === undefined ? null : cellAt(place)) || null;
    },
  });
}
