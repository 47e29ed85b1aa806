/** The vocabulary that every layer shares. Shapes that are read from disk are zod schemas. */
import * as z from 'zod/mini';
import {
  type BatchStatus,
  batchStatuses,
  type FileType,
  fileTypes,
  type ProviderName,
  providerNames,
} from './names.ts';

export type { BatchStatus, FileType, ProviderName };

/** One element of the input: a CSV record or a JSON object. */
export interface Row {
  /** Position in the input, from 0; empty CSV lines are not counted. */
  readonly index: number;
  /** JSON: the entry's id as text, `row-<index>` when it has none. CSV: the index as text. */
  readonly id: string;
  /** The text to send; null when the row has none (absent, null, or only white space) and is never sent. */
  readonly prompt: string | null;
}

/** What is sent to a provider for one row. */
export interface PromptRequest {
  readonly customId: string;
  readonly model: string;
  readonly prompt: string;
}

/** Why a row has no response. `kind` is a short stable word, `message` is for people. */
export interface RowError {
  readonly kind: string;
  readonly message: string;
}

/** What a row's prompt led to. A `succeeded` text is never empty: an empty answer is a failed row. */
export type RowOutcome =
  | { readonly outcome: 'succeeded'; readonly text: string }
  | { readonly outcome: 'failed' | 'expired' | 'cancelled'; readonly error: RowError };

/** What came back for one row. */
export type RowResult = RowOutcome & { readonly customId: string };

/** Rows by their state at the provider; a provider that does not say leaves a count out. */
export interface BatchCounts {
  readonly total?: number | undefined;
  readonly succeeded?: number | undefined;
  readonly failed?: number | undefined;
}

const countsSchema = z.object({
  total: z.optional(z.number()),
  succeeded: z.optional(z.number()),
  failed: z.optional(z.number()),
});

/**
 * `batches/<provider>_<safe id>.json` without its `id_map`, which can be large and is read apart.
 * Fields after `with_meta` are ours; a record of the Python tool has none of them.
 */
export const batchRecordSchema = z.looseObject({
  batch_id: z.string().check(z.minLength(1)),
  provider: z.enum(providerNames),
  model: z.string(),
  original_file_path: z.string(),
  file_type: z.enum(fileTypes),
  prompt_column: z.nullish(z.string()),
  created_at: z.string(),
  status: z.enum(batchStatuses),
  output_path: z.nullish(z.string()),
  with_meta: z._default(z.boolean(), false),
  use_cache: z.optional(z.boolean()),
  job_id: z.optional(z.string()),
  part: z.optional(z.number()),
  parts: z.optional(z.number()),
  tag: z.optional(z.string()),
  base_url: z.nullish(z.string()),
  file_id: z.nullish(z.string()),
  counts: z.nullish(countsSchema),
  last_error: z.nullish(z.string()),
});
export type BatchRecord = z.infer<typeof batchRecordSchema>;

/** custom id → row index from 0 as text (CSV), or the entry's id (JSON). */
export type IdMap = Readonly<Record<string, string>>;

export const cacheEntrySchema = z.object({
  provider: z.string(),
  model: z.string(),
  response: z.string().check(z.minLength(1)),
  created_at: z.string(),
});
export type CacheEntry = z.infer<typeof cacheEntrySchema>;
