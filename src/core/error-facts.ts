/**
 * The codes of errors, and what is known beside the words of each. A code stays what it is while words get better: the
 * words here and at the throw are the library's, and a program with other names for the options has its own.
 */

import type { SettingName } from './models.ts';

/** An option that picks rows. */
export type PickingOption = 'limit' | 'sample';

/** An option that names a column or field. */
export type NamingOption = 'col' | 'prompt' | 'messages' | 'attach' | 'rowId';

/** An option that says how the text of a file is laid out. */
export type LayoutOption = 'delimiter' | 'quoting' | 'padRows' | 'encoding';

/** An option that is for one provider. */
export type ReachOfOne = 'apiKey' | 'baseUrl' | 'headers';

/** Whose state it is: that of rehearsals has a home of its own. */
interface OfHome {
  readonly sandbox: boolean;
}

/** By code. The page docs/reference/errors.md lists them. */
export interface ErrorFacts {
  /** A file is where the output is to be, and may not be replaced. */
  output_exists: { readonly path: string };
  /** A file came where the output was to be put, after the work began. */
  output_appeared: { readonly path: string };
  /** Another run is about to write the same output. */
  output_claimed: { readonly path: string };
  /** The output is called as a file of another format than the input's is (`title`); `proposed` is a name that would do. */
  output_of_other_format: { readonly path: string; readonly title: string; readonly proposed: string };
  /** The folder of the output is not there. */
  output_folder_missing: { readonly folder: string };
  /** Nothing can be written into the folder of the output. */
  output_folder_unwritable: { readonly folder: string };
  /** The file system takes no name so long. */
  output_name_too_long: { readonly path: string };
  /** A folder or a device is where the output is to be. */
  output_not_a_file: { readonly path: string };
  /** There is no such input. */
  input_missing: { readonly path: string };
  /** The input is a folder. */
  input_is_folder: { readonly path: string };
  /** The input is a pipe or a device. */
  input_not_a_file: { readonly path: string };
  /** Nothing says which column of a table (`title`: its format) holds the prompts. */
  prompt_column_missing: {
    readonly path: string;
    readonly title: string;
    readonly names: readonly string[];
  };
  /** A table has no column of the name that `option` gives; `closest` is like it. */
  column_unknown: {
    readonly path: string;
    readonly name: string;
    readonly names: readonly string[];
    readonly option: NamingOption;
    readonly closest: string | undefined;
    /** Told where the table has one column alone, whose name holds what may part several. */
    readonly delimiter: string | undefined;
  };
  /**
   * JSON entries lack the field for the prompt. Without `option` nobody named one; `holds` says which files have such
   * fields.
   */
  field_unknown: {
    readonly path: string;
    readonly name: string;
    readonly names: readonly string[];
    readonly option: NamingOption | undefined;
    readonly closest: string | undefined;
    readonly holds: 'requests' | 'conversations' | undefined;
  };
  /** A row of a table has fewer cells than the header; `delimiter` is what stands between them, in words. */
  row_short: { readonly path: string; readonly delimiter: string };
  /** The delimiter of a table in which quotes are text is no tab; `delimiter` says in words what it is. */
  quoting_needs_tabs: { readonly delimiter: string };
  /** There is no encoding of this name. */
  encoding_unknown: { readonly label: string };
  /** Bytes of a file are no text in its encoding; `proposed` is one that it may be in. */
  text_undecodable: { readonly path: string; readonly proposed: string | undefined };
  /** An option about the text of tables, or of files, that says nothing of a file of this format (`title`). */
  layout_refused: {
    readonly option: LayoutOption;
    readonly path: string;
    readonly title: string;
  };
  /** What stands between two cells can't be this. */
  delimiter_invalid: { readonly delimiter: string };
  /** No JSON entry has the field that is to tell rows apart. */
  row_id_unknown: {
    readonly path: string;
    readonly name: string;
    readonly names: readonly string[];
    readonly closest: string | undefined;
  };
  /** The fields that answers are to have can't be read. */
  fields_broken: { readonly problem: string };
  /** An option about columns of fields, and no field. */
  fields_missing: { readonly option: 'schemaColumns' | 'prefix' | 'response' };
  /** Misfits are to be asked for again, and nothing says what fits. */
  schema_missing: object;
  /** Two columns of the output would have this name. */
  column_twice: { readonly name: string };
  /** The input has a column, or a field in the entry called `place`, where ours would go. */
  column_taken: { readonly path: string; readonly name: string; readonly place: string | undefined };
  /** A schema whose top level makes no columns. */
  schema_without_columns: object;
  /** A template has no placeholder. */
  placeholder_missing: object;
  /** Braces in a template make no placeholder. */
  placeholder_broken: { readonly found: string; readonly option: 'prompt' | 'attach' };
  /** The input of a batch is no longer where it was. */
  input_gone: { readonly path: string };
  /** The input has changed since it was looked at. */
  input_changed: {
    readonly path: string;
    readonly since: 'submission' | 'start';
    /** Whether it can be read as it was read then. */
    readonly isReadable: boolean;
    /** Of a table that was saved with another delimiter: what it was, in words. */
    readonly delimiter: string | undefined;
  };
  /** Another input is given for a batch, of another format than the one that was submitted. */
  input_of_other_format: { readonly path: string; readonly original: string };
  /** The output of picked rows would replace its input. */
  pick_replaces_input: { readonly path: string; readonly option: PickingOption };
  /** Rows of this format can't be picked. */
  pick_impossible: { readonly path: string; readonly option: PickingOption };
  /** No row that was picked has a prompt. */
  no_prompt_picked: { readonly path: string };
  /** No row has a prompt. */
  no_prompt: { readonly path: string; readonly source: 'template' | 'column' | undefined };
  /** A remark, no error: several rows have one id; `found` says which. */
  ids_repeated: { readonly path: string; readonly found: string };
  /** Nothing tells which of these columns holds answers: the file is no output of ours, or one that was changed. */
  not_an_output: { readonly path: string; readonly columns: readonly string[] };
  /** Several columns of an output could be its answers. */
  answers_unclear: { readonly path: string; readonly columns: readonly string[] };
  /** The rows of outputs can't be matched; each way that was tried, and why it failed. */
  rows_unmatched: { readonly problems: readonly string[] };
  /** The output of a batch is not written yet. */
  output_pending: { readonly id: string } & OfHome;
  /** The disk refused the output. */
  output_failed: { readonly path: string };
  /** There is no key for a provider. */
  key_missing: { readonly title: string; readonly variable: string };
  /** The file of kept keys holds something else. */
  kept_keys_broken: { readonly path: string };
  /** What is to be kept can't be a key. */
  key_unfit: { readonly reason: string };
  /** What was given as a provider's address is none. Without `variable` the option said it. */
  base_url_invalid: { readonly address: string; readonly variable: string | undefined };
  /** A provider that has no address of its own was given none; `example` is what one looks like. */
  base_url_missing: { readonly title: string; readonly variable: string; readonly example: string };
  /** A provider has no batches. */
  no_batch_api: { readonly title: string };
  /** There is no provider of this name, or not any more; `closest` is like it. */
  provider_unknown: {
    readonly provider: string;
    readonly names: readonly string[];
    readonly closest: string | undefined;
  };
  /** A provider does not count tokens. */
  no_token_counting: { readonly provider: string };
  /** The settings name an API that there is not. */
  api_unknown: { readonly api: string };
  /** The provider is not asked through the Responses API. */
  api_missing: { readonly title: string };
  /** A value of the settings is nested too deep. */
  setting_too_deep: { readonly setting: SettingName };
  /** A provider has no such setting. */
  setting_unknown: { readonly title: string; readonly setting: SettingName; readonly hasSchema: boolean };
  /** A provider does not take a setting with this value. */
  setting_refused: { readonly title: string; readonly setting: SettingName; readonly problem: string };
  /** Answers to a schema are JSON anyway. */
  json_mode_with_schema: object;
  /** The additional fields of a request say what another setting says, or what is ours to say. */
  extra_field_taken: { readonly field: string; readonly by: 'setting' | 'loom' };
  /** The schema for answers is none. */
  schema_invalid: { readonly reason: string };
  /** More than one provider, or none, is to be asked for its models. */
  live_of_several: object;
  /** A key, an address or a header is given, and not the one provider that it is for. */
  given_without_provider: { readonly option: ReachOfOne };
  /** An answer came without tokens, or in a tier whose price is not known: what the run costs is not known. */
  cost_unknown: { readonly tier: string | undefined };
  /** The provider has no such tier of live calls; it has `tiers`. */
  tier_unknown: { readonly title: string; readonly tier: string; readonly tiers: readonly string[] };
  /** A tier is for live calls. */
  tier_of_batch: object;
  /** No batch or job has this id. */
  batch_unknown: { readonly id: string } & OfHome;
  /** A batch to be adopted has a record. */
  batch_recorded: { readonly id: string } & OfHome;
  /** A batch to be adopted belongs to a job. */
  batch_of_job: { readonly id: string } & OfHome;
  /** The cache has every answer that a batch to be adopted could have. */
  batch_answered: { readonly path: string };
  /** The cache has every answer that requests could be exported for. */
  requests_answered: { readonly path: string };
  /** A job is not reached as it was when it was begun, at this address where it is known. */
  job_elsewhere: { readonly id: string; readonly address: string | undefined };
  /** Results that were made elsewhere, in so many files, are of another model or other settings. */
  results_of_other_question: { readonly files: number };
  /** Results that were made elsewhere are of no row of the input. */
  results_of_other_input: { readonly path: string };
  /** Another process finished a job meanwhile. */
  job_finished: { readonly id: string } & OfHome;
  /** The results of a batch are those of another one. */
  batch_mistaken: { readonly id: string; readonly job: string };
  /** No result of a batch belongs to a row of its input. */
  batch_of_other_input: { readonly id: string; readonly path: string };
  /** The results of a batch don't account for every row that was sent; from `due` on (ISO 8601) they are taken as they are. */
  results_short: { readonly id: string; readonly missing: number; readonly due: string } & OfHome;
  /** All that came of a batch are answers that can't be read; they are kept. */
  results_unread: { readonly id: string; readonly unread: number } & OfHome;
  /** It is not known whether the provider has a batch. */
  part_unsettled: { readonly part: string; readonly title: string } & OfHome;
  /** A provider takes no batch of a single request; `others`: the job has more parts. */
  request_refused: { readonly job: string; readonly others: boolean } & OfHome;
  /** A file of requests is gone or damaged. */
  requests_damaged: { readonly job: string; readonly path: string } & OfHome;
  /** A batch was submitted, and the disk does not take its record. */
  batch_unrecorded: { readonly id: string } & OfHome;
  /** What tells which rows a batch has is gone, and so is the input. */
  id_map_lost: { readonly id: string | undefined; readonly path: string } & OfHome;
  /** The record of a batch is gone or damaged, as its job tells. */
  record_lost: OfHome;
  /** A batch may have been created, and nobody knows. */
  creation_cut_off: OfHome;
  /** The record of a batch names fewer rows than were sent; `file`: its name. */
  record_short: { readonly id: string; readonly file: string };
  /** The record of a batch can't be read any more. */
  record_unreadable: { readonly path: string };
  /** The record of a batch is damaged. */
  record_damaged: { readonly path: string };
  /** An answer can't be written into the cache. */
  cache_write_failed: { readonly path: string };
  /** What reads and writes the cache has ended. */
  cache_ended: object;
  /** The cache's folder is the user's own, and can't be written to. */
  cache_unwritable: { readonly folder: string };
  /** The cache's folder is another user's; `cache` is the whole of it, `folder` what was tried. */
  cache_not_shared: { readonly folder: string; readonly cache: string };
  /** The cache's folder holds what is no cache; `proposed` is a folder that would do. */
  cache_foreign: { readonly folder: string; readonly proposed: string };
  /** A key, an address or a header is one provider's only, and batches of several are pending. */
  reach_of_one: { readonly option: ReachOfOne; readonly providers: readonly string[] };
  /** A run may cost so much at most, and no price of its model is known; `title` is the provider. */
  price_unknown: { readonly model: string; readonly title: string };
  /** The input alone costs more than the run may; with `maxTokens` the batch with answers of that length. */
  cost_too_high: {
    readonly cost: number;
    readonly maxCost: number;
    readonly maxTokens: number | undefined;
  };
  /** The page of a report can't be written. */
  report_unwritable: { readonly page: string };
  /** A live run was stopped by what it has cost. */
  cost_spent: { readonly maxCost: number; readonly spent: number };
}

export type ErrorCode = keyof ErrorFacts;

/** A code with the facts that belong to it. */
export type CodeWithFacts = {
  readonly [Code in ErrorCode]: { readonly code: Code; readonly facts: ErrorFacts[Code] };
}[ErrorCode];
