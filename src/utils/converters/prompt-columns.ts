/** The prompt of a table's rows, from the columns that its header names. */
import { LoomError } from '../../errors.ts';
import { type PromptSource, readPromptSource } from './prompt-source.ts';
import { findClosestName, listNames, quoteValue } from './words.ts';

/** Finds the columns of a prompt source, and gives what makes the prompt of a row's cells. LoomError `input` without them. */
export function openPromptColumns(
  source: PromptSource | undefined,
  header: readonly string[],
  path: string,
): (cells: readonly string[]) => string | null {
  if (!source) {
    throw new LoomError('input', `--col is required for CSV input; ${path} has ${describeColumns(header)}.`, {
      hint: 'Pass --col with the one that holds the prompts.',
    });
  }
  const { names, compose } = readPromptSource(source);
  const places = names.map((name) => findColumn(header, name, path));
  return (cells) => compose(places.map((place) => cells[place] as string));
}

function findColumn(header: readonly string[], column: string, path: string): number {
  const index = header.indexOf(column);
  if (index === -1) throw unknownColumnError(header, column, path);
  if (header.lastIndexOf(column) !== index) {
    throw new LoomError('input', `${path}: more than one column is named ${quoteValue(column)}.`, {
      hint: 'Give the column that holds the prompts a name of its own.',
    });
  }
  return index;
}

function unknownColumnError(header: readonly string[], column: string, path: string): LoomError {
  const closest = findClosestName(column, header);
  const hint =
    closest === undefined ? 'Pass one of these with --col.' : `Did you mean ${quoteValue(closest)}?`;
  return new LoomError(
    'input',
    `${path}: no column ${quoteValue(column)}; it has ${describeColumns(header)}.`,
    { hint },
  );
}

function describeColumns(header: readonly string[]): string {
  return `the ${header.length === 1 ? 'column' : 'columns'} ${listNames(header)}`;
}
