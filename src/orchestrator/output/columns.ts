/**
 * The columns that an output has beside those of its input: one list, in their order, which every format writes. A new
 * one is an entry here. Options and files on disk speak of them in groups.
 */
import type { AnswerFacts } from '../../core/models.ts';
import type { AddedColumn, AddedValue } from '../../formats/format.ts';
import type { Job } from '../../state/jobs.ts';

/** What a row gets: its text or null, and why there is none; and whose answer it is. */
export interface SettledRow {
  readonly text: string | null;
  readonly error: string | null;
  readonly facts: AnswerFacts;
}

interface OutputColumn extends AddedColumn {
  /** Absent: it is always there. */
  readonly group?: ColumnGroup;
  valueOf(row: SettledRow, asked: { readonly provider: string; readonly model: string }): AddedValue;
}

export type ColumnGroup = 'meta' | 'usage' | 'error';

const columns: readonly OutputColumn[] = [
  { name: 'llm_response', type: 'text', valueOf: ({ text }) => text },
  { name: 'llm_provider', type: 'text', group: 'meta', valueOf: (_, { provider }) => provider },
  { name: 'llm_model', type: 'text', group: 'meta', valueOf: (_, { model }) => model },
  {
    name: 'llm_input_tokens',
    type: 'integer',
    group: 'usage',
    valueOf: ({ facts }) => facts.usage?.inputTokens ?? null,
  },
  {
    name: 'llm_output_tokens',
    type: 'integer',
    group: 'usage',
    valueOf: ({ facts }) => facts.usage?.outputTokens ?? null,
  },
  {
    name: 'llm_finish_reason',
    type: 'text',
    group: 'usage',
    valueOf: ({ facts }) => facts.finishReason ?? null,
  },
  { name: 'llm_error', type: 'text', group: 'error', valueOf: ({ error }) => error },
];

/** Groups of columns that are asked for. */
export type ColumnGroups = readonly ColumnGroup[];

export function columnsOf(groups: ColumnGroups): readonly OutputColumn[] {
  return columns.filter(({ group }) => group === undefined || groups.includes(group));
}

function listGroups(wanted: Readonly<Record<ColumnGroup, boolean | undefined>>): ColumnGroups {
  return (Object.keys(wanted) as ColumnGroup[]).filter((group) => wanted[group]);
}

/** As options of a run say them. */
export function readColumns(options: {
  readonly withMeta?: boolean | undefined;
  readonly withUsage?: boolean | undefined;
  readonly withError?: boolean | undefined;
}): ColumnGroups {
  return listGroups({ meta: options.withMeta, usage: options.withUsage, error: options.withError });
}

/** As a job has them. */
export function recordedColumns(job: Pick<Job, 'with_meta' | 'with_usage' | 'with_error'>): ColumnGroups {
  return listGroups({ meta: job.with_meta, usage: job.with_usage, error: job.with_error });
}

export function recordColumns(groups: ColumnGroups) {
  const has = (group: ColumnGroup) => groups.includes(group);
  return { with_meta: has('meta'), with_error: has('error'), with_usage: has('usage') };
}
