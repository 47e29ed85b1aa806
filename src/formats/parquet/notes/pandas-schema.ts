/** What pandas keeps in a file to read its own types again: a type for each column, and one for the names of columns. */
import type { AddedColumn } from '../../format.ts';
import { valueTypeOf } from '../writing/value-types.ts';

interface PandasColumn {
  readonly name: unknown;
  readonly field_name: unknown;
  readonly pandas_type: string;
  readonly numpy_type: string;
  readonly metadata: object | null;
}

interface PandasSchema {
  columns: PandasColumn[];
  column_indexes?: PandasColumn[];
}

/** Names of columns that are text, of which ours is one more. */
const textTypes = ['unicode', 'string', 'empty', 'mixed'];

/**
 * The note with our columns in it. Where the names of columns are numbers, dates or of several levels, pandas makes
 * such of them when it reads the file, and fails at ours: the names become text then, as they stand in the file.
 */
export function addToPandasSchema(json: string, columns: readonly PlacedColumn[]): string | undefined {
  try {
    const schema = JSON.parse(json) as PandasSchema;
    for (const column of columns) {
      const described = describeColumn(column);
      const old = schema.columns.findIndex(({ field_name, name }) => (field_name ?? name) === column.name);
      if (old === -1) schema.columns.push(described);
      else schema.columns[old] = described;
    }
    const levels = schema.column_indexes ?? [];
    const areTexts = levels.length === 1 && textTypes.includes(levels[0]?.pandas_type as string);
    if (levels.length > 0 && !areTexts) schema.column_indexes = [textNames];
    return JSON.stringify(schema);
  } catch {
    return undefined;
  }
}

const textNames: PandasColumn = {
  name: null,
  field_name: null,
  pandas_type: 'unicode',
  numpy_type: 'object',
  metadata: { encoding: 'UTF-8' },
};

function describeColumn({ name, type }: PlacedColumn): PandasColumn {
  return { name, field_name: name, ...valueTypeOf(type).pandas, metadata: null };
}

/** A nullable column; `index` is that of the column that it replaces, or undefined for one at the end. */
export interface PlacedColumn extends AddedColumn {
  readonly index: number | undefined;
}
