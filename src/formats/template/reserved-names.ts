/** Names of our columns that an input has already: what stands there would be lost. */
import { LoomError } from '../../core/errors.ts';
import { quoteValue } from '../../core/words.ts';
import type { ReadOptions } from '../format.ts';

/** LoomError `input` for a table that has a column which is reserved. */
export function refuseTaken(
  header: readonly string[],
  { reserved = [] }: Pick<ReadOptions, 'reserved'>,
  path: string,
): void {
  const name = reserved.find((candidate) => header.includes(candidate));
  if (name !== undefined) throw nameTaken(path, name);
}

/** The error; `place` is the JSON entry that has the name. */
export function nameTaken(path: string, name: string, place?: string): LoomError {
  const what =
    place === undefined ? `there is a column ${quoteValue(name)}` : `${place} has ${quoteValue(name)}`;
  return new LoomError('input', `${path}: ${what} already, where the output's own would go.`, {
    code: 'column_taken',
    facts: { path, name, place },
    hint: 'Name the answer otherwise with as, begin the names of fields with a prefix, or replace what is there with replaceColumns.',
  });
}
