/** The vocabulary that every layer shares. Shapes that are read from disk are values, `…Shape`. */

import {
  type BatchStatus,
  batchStatuses,
  type FileType,
  fileTypes,
  type ProviderName,
  providerNamePattern,
} from './names.ts';
import type { AskedContent } from './parts.ts';
import { isJsonObject, type JsonObject } from './shapes/json-object.ts';
import {
  arrayOf,
  boolean,
  changed,
  either,
  filledString,
  jsonObject,
  looseObject,
  nullable,
  nullish,
  number,
  object,
  oneOf,
  optional,
  type Shape,
  string,
  stringLike,
  type ValueOf,
  withDefault,
} from './shapes/shapes.ts';

export { type BatchStatus, type FileType, isJsonObject, type JsonObject, type ProviderName };

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
  /** The files that it names, each on a line of its own; absent where a run attaches none. */
  readonly attached?: string | undefined;
  /** What it asks, once that is looked up, where it is more than its prompt. */
  content?: AskedContent | undefined;
}

/** Rows that are run out of all: the first ones, or a random sample `of` so many. */
export const rowPickShape = either(
  object({ limit: number }),
  object({ sample: number, seed: number, of: number }),
);
export type RowPick = ValueOf<typeof rowPickShape>;

/** What a provider is asked through, where it has more than one way to the same models. */
export const apiNames = ['chat', 'responses'] as const;
export type ApiName = (typeof apiNames)[number];

/** How much a model thinks before it answers. */
export const efforts = ['minimal', 'low', 'medium', 'high'] as const;
export type Effort = (typeof efforts)[number];

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
  /** How much a model thinks before it answers. */
  readonly effort?: Effort;
  /** Any JSON object as the answer. */
  readonly json_mode?: true;
  /** The JSON Schema that each answer has to fit. */
  readonly schema?: JsonObject;
  /** Examples that go ahead of every prompt, as turns of a conversation. */
  readonly few_shot?: readonly Example[];
  /** Fields of the provider's request body, as they are. */
  readonly extra?: JsonObject;
  /** `responses`: OpenAI's `/v1/responses`, and that of servers that speak alike. Default: `chat`, chat completions. */
  readonly api?: ApiName;
};
export type SettingName = keyof GenerationSettings;

/** What may be asked, and how it is to be answered. */
export interface Example {
  readonly prompt: string;
  readonly response: string;
}

const texts: Shape<readonly string[]> = arrayOf(string);
const examples: Shape<readonly Example[]> = arrayOf(object({ prompt: string, response: string }));

/** Settings as they stand in a record: the Python tool writes unset ones too, as null, false or an empty object. */
const storedSettingsShape = looseObject({
  system: nullish(string),
  temperature: nullish(number),
  max_tokens: nullish(number),
  top_p: nullish(number),
  top_k: nullish(number),
  stop: nullish(texts),
  seed: nullish(number),
  presence_penalty: nullish(number),
  frequency_penalty: nullish(number),
  effort: nullish(oneOf(efforts)),
  json_mode: nullish(boolean),
  schema: nullish(jsonObject),
  few_shot: nullish(examples),
  extra: nullish(jsonObject),
  api: nullish(oneOf(apiNames)),
});

export const generationSettingsShape = changed(storedSettingsShape, leaveOutUnset);

/** The settings that are set; undefined when none is. */
export function leaveOutUnset(stored: JsonObject | undefined): GenerationSettings | undefined {
  const set = Object.entries(stored ?? {}).filter(([name, value]) => isSet(name, value));
  return set.length > 0 ? Object.fromEntries(set) : undefined;
}

function isSet(name: string, value: unknown): boolean {
  if (value === null || value === undefined || value === false || isDefaultApi(name, value)) return false;
  return name !== 'extra' || Object.keys(value as JsonObject).length > 0;
}

/** Answers by the default API were filed before there was another: it is not said. */
export function isDefaultApi(name: string, value: unknown): boolean {
  return name === 'api' && value === 'chat';
}

/** What a column of an output holds. `json` is any value, and text where a format has no lists and objects. */
export const columnTypes = ['text', 'integer', 'number', 'boolean', 'json'] as const;
export type ColumnType = (typeof columnTypes)[number];

/** What the columns of an output are called, and the fields of answers that have one; absent where all is as usual. */
export const columnNamesShape = object({
  as: optional(string),
  no_response: optional(boolean),
  fields: optional(arrayOf(object({ name: string, field: string, type: oneOf(columnTypes) }))),
});

/** Why a row has no response. `kind` is a short stable word, `message` is for people. */
export interface RowError {
  readonly kind: string;
  readonly message: string;
}

/** Rows that failed for one reason, as files tell it. */
export const failureGroupShape = object({
  kind: string,
  message: string,
  count: number,
  row_ids: arrayOf(string),
  /** From 1; older versions left it out. */
  rows: optional(arrayOf(number)),
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
  /** The tier that a live call was answered in, where its provider has several and says it. Never kept. */
  readonly tier?: string | undefined;
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

const countsShape = object({
  total: optional(number),
  succeeded: optional(number),
  failed: optional(number),
});

/** How the text of an input is laid out, as far as it is not UTF-8 with commas, or as its name says. */
export const layoutShape = object({
  /** What stands between two cells of a CSV file. */
  delimiter: optional(string),
  /** The first line says the delimiter, and is no row. */
  sep_line: optional(boolean),
  quoting: optional(oneOf(['none'])),
  pad_rows: optional(boolean),
  encoding: optional(string),
});
export type LayoutFields = ValueOf<typeof layoutShape>;

/** The fields of a record that say how an input is read, and which rows of it. */
export const datasetShape = {
  file_type: oneOf(fileTypes),
  prompt_column: nullable(string),
  prompt_template: optional(string),
  /** What the prompt column holds, where that is no text. */
  prompt_holds: optional(oneOf(['messages'])),
  /** What rows attach: columns or fields that name files, or templates that do. */
  attach: optional(texts),
  pick: optional(rowPickShape),
  /** The column or field that tells rows apart, where it was named. */
  row_id_field: optional(string),
  layout: optional(layoutShape),
};

/**
 * `batches/<provider>_<safe id>.json` without its `id_map`, which can be large and is read apart.
 * Fields after `with_meta` are ours; a record of the Python tool has none of them.
 */
export const batchRecordShape = looseObject({
  batch_id: filledString,
  provider: stringLike(providerNamePattern),
  model: string,
  original_file_path: string,
  file_type: oneOf(fileTypes),
  prompt_column: nullish(string),
  created_at: string,
  status: oneOf(batchStatuses),
  output_path: nullish(string),
  with_meta: withDefault(boolean, false),
  prompt_template: optional(string),
  prompt_holds: optional(oneOf(['messages'])),
  attach: optional(texts),
  pick: optional(rowPickShape),
  /** The column or field that tells rows apart, where it was named. */
  row_id_field: optional(string),
  layout: optional(layoutShape),
  use_cache: optional(boolean),
  cache_dir: nullish(string),
  job_id: optional(string),
  part: optional(number),
  parts: optional(number),
  tag: optional(string),
  base_url: nullish(string),
  /** Names of the headers that it was submitted with. */
  headers: nullish(arrayOf(string)),
  /** Whose answers its are; absent in records of older versions. */
  server: nullish(string),
  file_id: nullish(string),
  counts: nullish(countsShape),
  last_error: nullish(string),
  /** When the provider ended it, by its own clock where it tells; else when it was first seen ended. */
  ended_at: nullish(string),
  /** So long after its creation the provider ends it, if it is not done by then; where it tells. */
  window_hours: nullish(number),
  /** Its output is written, and it stays as --keep asked. Not in records of older versions. */
  kept: optional(boolean),
  /** How many rows that were sent its results do not account for, after a download that was short. */
  missing: nullish(number),
  params: optional(storedSettingsShape),
});
export type BatchRecord = ValueOf<typeof batchRecordShape>;

/** custom id → row index from 0 as text (CSV), or the entry's id (JSON). */
export type IdMap = Readonly<Record<string, string>>;

export const cacheEntryShape = object({
  provider: string,
  model: string,
  response: filledString,
  created_at: string,
  params: optional(generationSettingsShape),
  /** Whose answer it is: an address, or a name in its place. Not in entries of the Python tool and of older versions. */
  address: optional(string),
  // Not in entries of the Python tool, nor where the provider told none.
  input_tokens: optional(number),
  output_tokens: optional(number),
  finish_reason: optional(string),
});
export type CacheEntry = ValueOf<typeof cacheEntryShape>;

/** What is told while something is done: a story has one union of events, which `type` tells apart. */
export type EventOf<Type extends string, Facts = object> = { readonly type: Type } & Readonly<Facts>;
