/** The prompt of a table's rows, from the columns that its header names. */
import type { NamingOption } from '../../core/error-facts.ts';
import { LoomError } from '../../core/errors.ts';
import type { FileType } from '../../core/models.ts';
import { describeColumns, findClosestName, quoteValue } from '../../core/words.ts';
import { type PromptSource, type ReadOptions, traitsOf } from '../format.ts';
import { type PromptRecipe, readPromptSource } from './prompt-source.ts';

/** Which file the messages are about. */
export interface TableFile {
  readonly path: string;
  readonly fileType: FileType;
}

/** The places of the columns that make a prompt, and what makes it of their texts. LoomError `input` without them. */
export function findPromptColumns(
  { promptSource: source, attach }: Pick<ReadOptions, 'promptSource' | 'attach'>,
  header: readonly string[],
  { path, fileType }: TableFile,
): { places: readonly number[]; compose: PromptRecipe['compose'] } {
  if (!source) {
    const { title } = traitsOf(fileType);
    throw new LoomError(
      'input',
      `col is required for ${title} input; ${path} has ${describeColumns(header)}.`,
      {
        code: 'prompt_column_missing',
        facts: { path, title, names: header },
        hint: 'Give col the one that holds the prompts, or a prompt that is filled with several.',
      },
    );
  }
  const { names, compose, optionOf } = readPromptSource(source, attach);
  const places = names.map((name) => findColumn(header, name, source, path, optionOf(name)));
  return { places, compose };
}

/** The column in which a table tells its rows apart; LoomError `input` where the one that was named is not there. */
export function findIdColumn(
  rowId: string | undefined,
  header: readonly string[],
  path: string,
): number | undefined {
  if (rowId !== undefined) return findColumn(header, rowId, { column: rowId }, path, 'rowId');
  const index = header.findIndex((name) => sameButForSpace(name, 'id'));
  return index === -1 ? undefined : index;
}

function findColumn(
  header: readonly string[],
  name: string,
  source: PromptSource,
  path: string,
  option: NamingOption,
): number {
  const isColumn = 'column' in source || header.includes(name) ? same : sameButForSpace;
  const index = header.findIndex((column) => isColumn(column, name));
  if (index === -1) throw unknownColumnError(header, name, option, path);
  if (header.findLastIndex((column) => isColumn(column, name)) !== index) {
    throw new LoomError('input', `${path}: more than one column is named ${quoteValue(name)}.`, {
      hint: 'Give each of them a name of its own.',
    });
  }
  return index;
}

function same(column: string, name: string): boolean {
  return column === name;
}

/** Headers such as `id, text`: white space counts for nothing in a placeholder. */
function sameButForSpace(column: string, name: string): boolean {
  return column.trim() === name;
}

/** What stands in the only name of a header, and was most likely meant to part several. */
function findOtherDelimiter(name: string): string | undefined {
  if (name.includes(';')) return 'a semicolon';
  if (name.includes('\t')) return 'a tab';
  if (name.includes('|')) return 'a bar';
  return name.includes(',') ? 'a comma' : undefined;
}

function unknownColumnError(
  names: readonly string[],
  name: string,
  option: NamingOption,
  path: string,
): LoomError {
  const closest = findClosestName(name, names);
  // In a TSV nothing but a tab stands between cells.
  const isTsv = /\.tsv(\.gz)?$/i.test(path);
  const delimiter = names.length === 1 && !isTsv ? findOtherDelimiter(names[0] ?? '') : undefined;
  return new LoomError('input', `${path}: no column ${quoteValue(name)}; it has ${describeColumns(names)}.`, {
    code: 'column_unknown',
    facts: { path, name, names, option, closest, delimiter },
    hint:
      delimiter !== undefined
        ? `If ${delimiter} stands between its cells, name it as delimiter.`
        : closest === undefined
          ? `Name one of these as ${option}.`
          : `Did you mean ${quoteValue(closest)}?`,
  });
}
