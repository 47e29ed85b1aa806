/**
 * The columns that an output has beside those of its input: one list, in their order, which every format writes. A new
 * one is an entry here. Options and files on disk speak of most of them in groups.
 */
import type { AnswerFacts } from '../../core/models.ts';
import { usualAnswer } from '../../core/names.ts';
import type { AddedColumn, AddedValue } from '../../formats/format.ts';
import type { Job } from '../../state/jobs.ts';
import { type FieldColumn, readFields } from '../fields/field-columns.ts';

/** What a row gets: its text or null, and why there is none; and whose answer it is. */
export interface SettledRow {
  readonly text: string | null;
  readonly error: string | null;
  readonly facts: AnswerFacts;
}

interface Asked {
  readonly provider: string;
  readonly model: string;
}

interface OutputColumn extends AddedColumn {
  valueOf(row: SettledRow, asked: Asked): AddedValue;
}

/** What the names of columns beside an answer end in. */
export type SideSuffix = 'provider' | 'model' | 'input_tokens' | 'output_tokens' | 'finish_reason' | 'error';

const groups = ['meta', 'usage', 'error'] as const;
/** Columns that are asked for together. */
export type ColumnGroup = (typeof groups)[number];

/** A field of each answer in a column of its own, which may have another name. */
export interface NamedField extends FieldColumn {
  readonly name: string;
}

/** What columns an output has. */
export interface ColumnChoice {
  readonly groups: readonly ColumnGroup[];
  /** The name of the answer's column, with which the names of others begin. Undefined: `llm_response`, and `llm`. */
  readonly as?: string | undefined;
  /** Whether the answer itself is left out. */
  readonly noResponse?: boolean | undefined;
  readonly fields?: readonly NamedField[] | undefined;
}

/** Columns beside the answer and its fields: what their names end in, and what is in them. */
const sideColumns: readonly (Omit<OutputColumn, 'name'> & {
  group: ColumnGroup;
  suffix: SideSuffix;
})[] = [
  { suffix: 'provider', type: 'text', group: 'meta', valueOf: (_, { provider }) => provider },
  { suffix: 'model', type: 'text', group: 'meta', valueOf: (_, { model }) => model },
  {
    suffix: 'input_tokens',
    type: 'integer',
    group: 'usage',
    valueOf: ({ facts }) => facts.usage?.inputTokens ?? null,
  },
  {
    suffix: 'output_tokens',
    type: 'integer',
    group: 'usage',
    valueOf: ({ facts }) => facts.usage?.outputTokens ?? null,
  },
  {
    suffix: 'finish_reason',
    type: 'text',
    group: 'usage',
    valueOf: ({ facts }) => facts.finishReason ?? null,
  },
  { suffix: 'error', type: 'text', group: 'error', valueOf: ({ error }) => error },
];

/** The columns that are added, in their order. */
export function columnsOf({ groups, as, noResponse, fields = [] }: ColumnChoice): readonly OutputColumn[] {
  const response: OutputColumn = { name: as ?? usualAnswer, type: 'text', valueOf: ({ text }) => text };
  return [
    ...(noResponse ? [] : [response]),
    ...fieldColumns(fields),
    ...sideColumns
      .filter(({ group }) => groups.includes(group))
      .map((column) => ({ ...column, name: sideName(as ?? usualAnswer, column.suffix) })),
  ];
}

/** The name of a column beside the answer's. */
export function sideName(answer: string, suffix: SideSuffix): string {
  return `${answer === usualAnswer ? 'llm' : answer}_${suffix}`;
}

export const sideSuffixes: readonly SideSuffix[] = sideColumns.map(({ suffix }) => suffix);

/** Of answers that are known again, how many and of which length: labels come again and again. */
const mostKnown = 256;
const longestKnown = 400;

/** The answer of a row is read once for all of them, and a short one once for the rows that have it too. */
function fieldColumns(fields: readonly NamedField[]): OutputColumn[] {
  let readRow: SettledRow | undefined;
  let values: readonly AddedValue[] = [];
  const known = new Map<string, readonly AddedValue[]>();
  const readAnswer = (text: string) => {
    const before = known.get(text);
    if (before) return before;
    const read = readFields(text, fields);
    if (known.size < mostKnown && text.length <= longestKnown) known.set(text, read);
    return read;
  };
  return fields.map(({ name, type }, index) => ({
    name,
    type,
    valueOf(row) {
      if (row !== readRow) values = row.text === null ? [] : readAnswer(row.text);
      readRow = row;
      return values[index] ?? null;
    },
  }));
}

function listGroups(wanted: Readonly<Record<ColumnGroup, boolean | undefined>>): readonly ColumnGroup[] {
  return groups.filter((group) => wanted[group]);
}

/** As options of a run say them. */
export function readGroups(options: {
  readonly withMeta?: boolean | undefined;
  readonly withUsage?: boolean | undefined;
  readonly withError?: boolean | undefined;
}): readonly ColumnGroup[] {
  return listGroups({ meta: options.withMeta, usage: options.withUsage, error: options.withError });
}

/** As a job has them. */
export function recordedColumns(
  job: Pick<Job, 'with_meta' | 'with_usage' | 'with_error' | 'columns'>,
): ColumnChoice {
  const { as, no_response: noResponse, fields } = job.columns ?? {};
  const groups = listGroups({ meta: job.with_meta, usage: job.with_usage, error: job.with_error });
  return { groups, as, noResponse, fields };
}

/** Names and fields are noted only where they are not the usual ones. */
export function recordColumns({ groups, as, noResponse, fields }: ColumnChoice) {
  const has = (group: ColumnGroup) => groups.includes(group);
  const columns = {
    ...(as !== undefined && { as }),
    ...(noResponse && { no_response: true }),
    ...(fields && { fields: [...fields] }),
  };
  return {
    ...{ with_meta: has('meta'), with_error: has('error'), with_usage: has('usage') },
    ...(Object.keys(columns).length > 0 && { columns }),
  };
}
