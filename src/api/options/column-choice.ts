/** The columns of an output, as a program asks for them, and the schema that they may stand for. */
import { LoomError } from '../../core/errors.ts';
import type { GenerationSettings } from '../../core/models.ts';
import { quoteValue } from '../../core/words.ts';
import { columnsOfSchema } from '../../orchestrator/fields/field-columns.ts';
import { schemaOfFields } from '../../orchestrator/fields/field-schema.ts';
import { parseFields } from '../../orchestrator/fields/parse-fields.ts';
import { type ColumnChoice, columnsOf, readGroups } from '../../orchestrator/output/columns.ts';
import { exclude } from './checks.ts';
import type { InputOptions, OutputOptions } from './options.ts';

/** What is asked of a model so that there is something for each column, and the columns. LoomError `usage` for what can't be. */
export function chooseColumns(options: InputOptions & OutputOptions): {
  readonly settings: GenerationSettings | undefined;
  readonly columns: ColumnChoice;
} {
  const { as, prefix = '' } = options;
  const settings = settingsWithFields(options);
  const schema = options.fields !== undefined || options.schemaColumns ? settings?.schema : undefined;
  const fields =
    schema && columnsOfSchema(schema).map((column) => ({ ...column, name: `${prefix}${column.field}` }));
  const columns: ColumnChoice = {
    groups: readGroups(options),
    as,
    noResponse: options.response === false || undefined,
    fields,
  };
  checkColumns(columns, options);
  return { settings, columns };
}

function settingsWithFields({ fields, schemaColumns, settings }: InputOptions & OutputOptions) {
  if (fields === undefined) return settings;
  if (settings?.schema) throw exclude('fields', 'settings.schema');
  if (settings?.json_mode) throw exclude('fields', 'settings.json_mode');
  if (schemaColumns) throw exclude('fields', 'schemaColumns');
  return { ...settings, schema: schemaOfFields(parseFields(fields)) };
}

function checkColumns(columns: ColumnChoice, { prefix, schemaColumns }: OutputOptions): void {
  if (!columns.fields) {
    if (schemaColumns) throw lackFields('schemaColumns');
    if (prefix !== undefined) throw lackFields('prefix');
    if (columns.noResponse) throw lackFields('response');
  }
  const names = columnsOf(columns).map(({ name }) => name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated === undefined) return;
  throw new LoomError('usage', `two columns of the output would be called ${quoteValue(repeated)}.`, {
    code: 'column_twice',
    facts: { name: repeated },
    hint: 'Name the answer otherwise with as, or begin the names of fields with a prefix.',
  });
}

/** LoomError `usage` when answers that do not fit are to be asked for again, and there is nothing to fit. */
export function requireSchema(settings: GenerationSettings | undefined): void {
  if (settings?.schema) return;
  throw new LoomError('usage', 'retryMisfits needs to know what fits.', {
    code: 'schema_missing',
    facts: {},
    hint: 'Name the fields of answers, or give settings.schema.',
  });
}

/** An option that says nothing without fields of answers. */
function lackFields(option: 'schemaColumns' | 'prefix' | 'response'): LoomError {
  return new LoomError('usage', `${option} needs fields of answers.`, {
    code: 'fields_missing',
    facts: { option },
    hint: 'Name them as fields, or give settings.schema and schemaColumns.',
  });
}
