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

/** One element of the input: a record of a table or a JSON object. */
export interface Row {
  /** Position in the input, from 0; empty lines are not counted. */
  readonly index: number;
  /** An object's id as text, `row-<index>` when it has none. In a table the index as text. */
  readonly id: string;
  /** What the file itself calls it: its column or field `id`, or another that was named. Absent where it has none. */
  readonly givenId?: string | undefined;
  /** The line on which it starts, from 1, where rows stand on lines. */
  readonly line?: number | undefined;
  /** The text to send; null when the row has none (absent, null, or only white space) and is never sent. */
  readonly prompt: string | null;
}

/** Rows that are run out of all: the first ones, or a random sample `of` so many. */
export const rowPickSchema = z.union([
  z.object({ limit: z.number() }),
  z.object({ sample: z.number(), seed: z.number(), of: z.number() }),
]);
export type RowPick = z.infer<typeof rowPickSchema>;

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * How to generate, the same for every row of a run; what is not set is absent. Records hold it as `params`, under the
 * names that the Python tool 0.7.0 has for it.
 */
export type GenerationSettings = {
  readonly system?: string;
  readonly temperature?: number;
  readonly max_tokens?: number;
  readonly top_p?: number;
  readonly top_k?: number;
  readonly stop?: readonly string[];
  readonly seed?: number;
  readonly presence_penalty?: number;
  readonly frequency_penalty?: number;
  /** Any JSON object as the answer. */
  readonly json_mode?: true;
  /** The JSON Schema that each answer has to fit. */
  readonly schema?: JsonObject;
  /** Fields of the provider's request body, as they are. */
  readonly extra?: JsonObject;
};
export type SettingName = keyof GenerationSettings;

const jsonObjectSchema = z.custom<JsonObject>(isJsonObject);

/** Settings as they stand in a record: the Python tool writes unset ones too, as null, false or an empty object. */
const storedSettingsSchema = z.looseObject({
  system: z.nullish(z.string()),
  temperature: z.nullish(z.number()),
  max_tokens: z.nullish(z.number()),
  top_p: z.nullish(z.number()),
  top_k: z.nullish(z.number()),
  stop: z.nullish(z.readonly(z.array(z.string()))),
  seed: z.nullish(z.number()),
  presence_penalty: z.nullish(z.number()),
  frequency_penalty: z.nullish(z.number()),
  json_mode: z.nullish(z.boolean()),
  schema: z.nullish(jsonObjectSchema),
  extra: z.nullish(jsonObjectSchema),
});

export const generationSettingsSchema = z.pipe(
  storedSettingsSchema,
  z.transform((stored) => leaveOutUnset(stored)),
);

/** The settings that are set; undefined when none is. */
export function leaveOutUnset(stored: JsonObject | undefined): GenerationSettings | undefined {
  const set = Object.entries(stored ?? {}).filter(([name, value]) => isSet(name, value));
  return set.length > 0 ? Object.fromEntries(set) : undefined;
}

function isSet(name: string, value: unknown): boolean {
  if (value === null || value === undefined || value === false) return false;
  return name !== 'extra' || Object.keys(value as JsonObject).length > 0;
}

/** Why a row has no response. `kind` is a short stable word, `message` is for people. */
export interface RowError {
  readonly kind: string;
  readonly message: string;
}

/** Rows that failed for one reason, as files tell it. */
export const failureGroupSchema = z.object({
  kind: z.string(),
  message: z.string(),
  count: z.number(),
  row_ids: z.array(z.string()),
  /** From 1; older versions left it out. */
  rows: z.optional(z.array(z.number())),
});

/** The tokens of one answer, as the provider counted them. */
export interface Usage {
  /** All input tokens; those read from and written to the provider's own prompt cache are among them. */
  readonly inputTokens: number;
  /** All output tokens, thoughts among them. */
  readonly outputTokens: number;
  readonly cacheReadTokens?: number | undefined;
  readonly cacheWriteTokens?: number | undefined;
  /** US dollars, where the provider says itself what it charged. */
  readonly cost?: number | undefined;
}

/** What a provider tells of an answer beside its text; a refused or empty answer has cost tokens too. */
export interface AnswerFacts {
  readonly usage?: Usage | undefined;
  /** Why the answer ended, in the provider's own word: `stop`, `end_turn`, `MAX_TOKENS`. */
  readonly finishReason?: string | undefined;
}

/** An answer with a text in it. */
export interface Answer extends AnswerFacts {
  readonly text: string;
}

/** Why a row has no response, and what was answered all the same: it is paid for, and not to be lost. */
interface Failure extends AnswerFacts {
  readonly outcome: 'failed' | 'expired' | 'cancelled';
  readonly error: RowError;
  readonly text?: string | undefined;
}

/** What a row's prompt led to. A `succeeded` text is never empty: an empty answer is a failed row. */
export type RowOutcome = ({ readonly outcome: 'succeeded' } & Answer) | Failure;

/** Whether an answer ended at a limit of tokens, in the word of whatever provider. */
export function isCutOff({ finishReason }: AnswerFacts): boolean {
  return finishReason !== undefined && cutOffWords.test(finishReason);
}

/** OpenAI, Anthropic (two), Google, Mistral, servers of one's own. */
const cutOffWords =
  /^(length|max_(output_|completion_|new_)?tokens|model_context_window_exceeded|model_length|max_length)$/i;

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

/** The fields of a record that say how an input is read, and which rows of it. */
export const datasetShape = {
  file_type: z.enum(fileTypes),
  prompt_column: z.nullable(z.string()),
  prompt_template: z.optional(z.string()),
  pick: z.optional(rowPickSchema),
  /** The column or field that tells rows apart, where it was named. */
  row_id_field: z.optional(z.string()),
};

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
  prompt_template: z.optional(z.string()),
  pick: z.optional(rowPickSchema),
  /** The column or field that tells rows apart, where it was named. */
  row_id_field: z.optional(z.string()),
  use_cache: z.optional(z.boolean()),
  cache_dir: z.nullish(z.string()),
  job_id: z.optional(z.string()),
  part: z.optional(z.number()),
  parts: z.optional(z.number()),
  tag: z.optional(z.string()),
  base_url: z.nullish(z.string()),
  /** Whose answers its are; absent in records of older versions. */
  server: z.nullish(z.string()),
  file_id: z.nullish(z.string()),
  counts: z.nullish(countsSchema),
  last_error: z.nullish(z.string()),
  /** When the provider ended it, by its own clock where it tells; else when it was first seen ended. */
  ended_at: z.nullish(z.string()),
  /** So long after its creation the provider ends it, if it is not done by then; where it tells. */
  window_hours: z.nullish(z.number()),
  /** Its output is written, and it stays as --keep asked. Not in records of older versions. */
  kept: z.optional(z.boolean()),
  /** How many rows that were sent its results do not account for, after a download that was short. */
  missing: z.nullish(z.number()),
  params: z.optional(storedSettingsSchema),
});
export type BatchRecord = z.infer<typeof batchRecordSchema>;

/** custom id → row index from 0 as text (CSV), or the entry's id (JSON). */
export type IdMap = Readonly<Record<string, string>>;

export const cacheEntrySchema = z.object({
  provider: z.string(),
  model: z.string(),
  response: z.string().check(z.minLength(1)),
  created_at: z.string(),
  params: z.optional(generationSettingsSchema),
  /** Whose answer it is: an address, or a name in its place. Not in entries of the Python tool and of older versions. */
  address: z.optional(z.string()),
  // Not in entries of the Python tool, nor where the provider told none.
  input_tokens: z.optional(z.number()),
  output_tokens: z.optional(z.number()),
  finish_reason: z.optional(z.string()),
});
export type CacheEntry = z.infer<typeof cacheEntrySchema>;

/** What is told while something is done: a story has one union of events, which `type` tells apart. */
export type EventOf<Type extends string, Facts = object> = { readonly type: Type } & Readonly<Facts>;
