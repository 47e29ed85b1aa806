/**
 * What errors are called where flags and commands are at hand: the one place that knows both their codes and the command
 * line. What stands in no entry is told in the error's own words.
 */
import type { ErrorCode, ErrorFacts } from '../../core/error-facts.ts';
import type { Told } from '../../core/errors.ts';
import type { SettingName } from '../../core/models.ts';
import { mostLevels } from '../../core/nesting.ts';
import { quoteShell } from '../../core/shell.ts';
import { describeColumns, quoteValue } from '../../core/words.ts';
import { formatDollars } from './counts.ts';

import { loom } from './proposed-command.ts';

interface Words {
  readonly message?: string;
  readonly hint?: string;
}

const words: { readonly [Code in ErrorCode]?: (facts: ErrorFacts[Code]) => Words } = {
  output_exists: () => ({ hint: 'Pass --force to overwrite it, or --output to write elsewhere.' }),
  output_appeared: () => ({
    hint: 'Nothing is lost: move it away, or pass --force to overwrite it, and run the same command again.',
  }),
  output_claimed: () => ({
    hint: 'Wait until it has, or choose another path with --output. Nothing was sent.',
  }),
  output_folder_missing: () => ({ hint: 'Create it, or choose another path with --output.' }),
  output_folder_unwritable: () => ({ hint: 'Make it writable, or choose another path with --output.' }),
  output_name_too_long: () => ({ hint: 'Choose a shorter one with --output.' }),
  output_not_a_file: () => ({ hint: 'Choose a file name with --output.' }),
  input_missing: () => ({ hint: 'Check the path given to --file.' }),
  input_is_folder: () => ({ hint: 'Pass the file itself with --file.' }),
  input_not_a_file: () => ({
    hint: 'An input is read several times: pipe the rows into stdin, with --file - and --format.',
  }),
  prompt_column_missing: ({ path, title, names }) => ({
    message: `--col is required for ${title} input; ${path} has ${describeColumns(names)}.`,
    hint: 'Pass --col with the one that holds the prompts, or a --prompt that is filled with several.',
  }),
  column_unknown: ({ option, closest, delimiter }) =>
    delimiter !== undefined
      ? { hint: `If ${delimiter} stands between its cells, name it with --delimiter.` }
      : closest === undefined
        ? { hint: `Name one of these with ${flagFor(option)}.` }
        : {},
  field_unknown({ option, closest, holds }) {
    if (holds === 'requests') return {};
    if (holds === 'conversations')
      return {
        hint: 'These are conversations: pass --messages messages to send them.',
      };
    if (option === undefined)
      return { hint: 'Name the field that holds the prompts with --col, or fill several into a --prompt.' };
    return closest === undefined
      ? { hint: `Name a field that the entries have with ${flagFor(option)}.` }
      : {};
  },
  fields_broken: ({ problem }) => ({ message: `--fields can't be read: ${problem}.` }),
  fields_missing: ({ option }) => ({
    message: `${{ schemaColumns: '--columns', prefix: '--prefix', response: '--no-response' }[option]} needs fields of answers.`,
    hint: 'Name them with --fields, or pass --columns with a --schema.',
  }),
  schema_missing: () => ({
    message: '--retry-misfits needs to know what fits.',
    hint: 'Name the fields of answers with --fields, or pass a --schema.',
  }),
  schema_without_columns: () => ({
    message: '--columns: the schema has no properties at its top level to make columns of.',
  }),
  column_twice: () => ({
    hint: 'Name the answer otherwise with --as, or begin the names of fields with a --prefix.',
  }),
  column_taken: () => ({
    hint: 'Name the answer otherwise with --as, begin the names of fields with a --prefix, or pass --replace-columns to overwrite it.',
  }),
  row_short: ({ delimiter }) => ({
    hint: `Quote each cell that holds ${delimiter}, and leave no cell out; pass --pad-rows for rows that lack empty cells at their end.`,
  }),
  quoting_needs_tabs: ({ delimiter }) => ({
    message: `--quoting none needs tabs between the cells, and here it is ${delimiter}.`,
  }),
  encoding_unknown: ({ label }) => ({ message: `--encoding: there is no encoding ${quoteValue(label)}.` }),
  text_undecodable: ({ proposed }) => ({
    hint:
      proposed === undefined
        ? 'Say another --encoding, or save the file as UTF-8.'
        : `Save the file as UTF-8, or say its encoding, such as --encoding ${proposed}.`,
  }),
  layout_refused: ({ option, path, title }) => ({
    message: `${flagFor(option)} says nothing of ${title}, and ${path} is a ${title} file.`,
  }),
  delimiter_invalid: ({ delimiter }) => ({
    message: `--delimiter: ${quoteValue(delimiter)} can't stand between cells.`,
  }),
  row_id_unknown: ({ closest }) =>
    closest === undefined ? { hint: 'Name a field that the entries have with --row-id.' } : {},
  placeholder_missing: () => ({ message: '--prompt has no placeholder: every row would ask the same.' }),
  placeholder_broken: ({ found, option }) => ({
    message: `--${option}: ${found} does not begin a placeholder.`,
  }),
  input_gone: () => ({
    hint: 'Put it back, or say with --id and --file where it is now; the batch and its answers are kept.',
  }),
  input_changed({ since, isReadable }) {
    // Without rows that can be read no --partial helps: its own hint says what does.
    if (!isReadable) return {};
    return since === 'submission'
      ? {
          hint: 'Put the submitted file back and fetch again, or merge the rows that still match with --partial; the answers are kept.',
        }
      : {
          hint: 'What was answered is kept: the same command again asks only for what is new. No output was written.',
        };
  },
  input_of_other_format: () => ({ hint: 'Give --file the file that was submitted.' }),
  pick_replaces_input: ({ path, option }) => ({
    message: `the output of --${option} can't replace its input, ${path}.`,
    hint: 'The rows that are not picked would be lost. Choose another path with --output.',
  }),
  pick_impossible: ({ path, option }) => ({ message: `--${option} can't pick rows of ${path}.` }),
  no_prompt_picked: () => ({ hint: 'Pick more rows, or others with --sample-seed.' }),
  no_prompt: ({ path, source }) =>
    source === 'template' ? { hint: `Check ${path} and what --prompt names.` } : {},
  ids_repeated: () => ({
    hint: 'Each row is asked and answered by its place; name another column or field with --row-id.',
  }),
  not_an_output: () => ({
    hint: 'Name it with --answer, or give the file as loom run or loom fetch wrote it.',
  }),
  answers_unclear: () => ({ hint: 'Name one with --answer.' }),
  rows_unmatched: () => ({
    hint: 'Name a column that every output has, with another value in each row, with --on.',
  }),
  output_pending: ({ id, ...home }) => ({
    hint: `Run ${loom(`fetch --id ${quoteShell(id)}`, home)} first.`,
  }),
  output_failed: () => ({
    hint: 'Make room, or choose another path with --output; nothing is lost.',
  }),
  key_missing: ({ variable }) => ({
    hint: `Set ${variable} in the environment or in a .env file in this folder, keep a key with loom keys set, or pass --api-key.`,
  }),
  kept_keys_broken: () => ({ hint: 'Mend it, or delete it and keep the keys anew with loom keys set.' }),
  key_unfit: () => ({ hint: 'Nothing was kept. Paste the key alone, as the provider shows it.' }),
  base_url_invalid: ({ variable }) => ({
    hint: `Give ${variable ?? '--base-url'} an address such as https://gateway.example.com/v1.`,
  }),
  base_url_missing: ({ variable, example }) => ({
    hint: `Set ${variable} to it, or pass --base-url ${example}.`,
  }),
  provider_unknown: ({ closest, names }) => ({
    hint: closest
      ? `Did you mean ${closest}? loom keys list names those there are.`
      : `There are ${names.join(', ')}; providers.json in the home of loom may describe more.`,
  }),
  no_batch_api: () => ({ hint: 'Re-run with --sync.' }),
  no_token_counting: () => ({ hint: 'Pass --estimate to count on this machine.' }),
  setting_too_deep: ({ setting }) => ({
    message: `the value of ${settingFlag(setting)} is nested more than ${mostLevels} levels deep.`,
  }),
  api_missing: ({ title }) => ({
    message: `loom can't ask ${title} through the Responses API.`,
    hint: 'Leave --api out. OpenAI has that API, OpenRouter, and servers that speak like them.',
  }),
  setting_unknown: ({ title, setting, hasSchema }) => ({
    message: `${title} has no setting for ${settingFlag(setting)}.`,
    hint: `Leave it out${hasSchema ? ', or say with --schema what the JSON is to be' : ''}.`,
  }),
  setting_refused: ({ title, setting, problem }) => ({
    message: `${title} does not take ${settingFlag(setting)}: ${problem}.`,
  }),
  json_mode_with_schema: () => ({
    message: '--json and --schema exclude each other.',
    hint: 'Leave --json out: answers to a schema are JSON.',
  }),
  extra_field_taken: ({ field, by }) => ({
    message: `--param can't set ${field}: ${by === 'loom' ? 'loom fills this field, or depends on it' : 'another flag sets it already'}.`,
  }),
  schema_invalid: ({ reason }) => ({
    message: `--schema is not a valid JSON Schema: ${reason}.`,
    hint: 'Mend the file; nothing was sent.',
  }),
  live_of_several: () => ({
    message: '--live takes one --provider: it is asked for its models.',
    hint: 'Name it, as in loom models --live -p openai.',
  }),
  given_without_provider: ({ option }) => ({
    message: `${flagFor(option)} takes one --provider: it is for that one alone.`,
    hint: 'Name it, as in loom doctor -p openai.',
  }),
  tier_of_batch: () => ({
    message: '--tier is for live calls: a batch has a price of its own.',
    hint: 'Pass --sync, or leave it out.',
  }),
  cost_unknown: ({ tier }) => ({
    message: `an answer came ${tier === undefined ? 'without a count of tokens' : `in the tier ${quoteValue(tier)}, whose price is not known`}, so --max-cost can't be kept.`,
    hint: 'The answers so far are kept; the same command without --max-cost goes on from there.',
  }),
  batch_unknown: (home) => ({ hint: `See ${loom('list', home)} for those there are.` }),
  batch_recorded: (home) => ({ hint: `Run ${loom('fetch', home)}.` }),
  batch_of_job: ({ id, ...home }) => ({
    hint: `Run ${loom('fetch', home)}; ${loom(`forget --id ${quoteShell(id)}`, home)} drops the job.`,
  }),
  batch_answered: () => ({
    hint: 'loom run writes the output at once. To fetch the batch all the same, pass --no-cache.',
  }),
  job_elsewhere: () => ({
    hint: 'Set the address and LOOM_HEADERS, or pass --base-url and --header, as for the run.',
  }),
  requests_answered: () => ({
    hint: 'loom run writes the output at once. To export all of them all the same, pass --no-cache.',
  }),
  results_of_other_input: () => ({
    hint: 'Give the file, the column or --prompt, and the --limit or --sample that the requests were exported with.',
  }),
  job_finished: (home) => ({ hint: `See ${loom('list', home)} for what there is.` }),
  batch_mistaken: () => ({ hint: 'The next loom fetch looks for the right one.' }),
  batch_of_other_input: () => ({
    hint: 'Was it adopted with another input, column or --prompt? Forget it, and adopt it again.',
  }),
  results_short: ({ id, due, ...home }) => ({
    hint: `The next ${loom('fetch', home)} asks for them again. From ${due} on it writes the output without them; ${loom(`fetch --id ${quoteShell(id)} --partial`, home)} does so at once.`,
  }),
  results_unread: ({ id, ...home }) => ({
    hint: `A later version of loom may read them: ${loom(`fetch --id ${quoteShell(id)}`, home)} asks for them again, and with --partial it writes the rows as failed and forgets the batch.`,
  }),
  part_unsettled: ({ title, ...home }) => ({
    hint: `Nothing of it is sent again before the next ${loom('fetch', home)} has looked for it. Where ${title} lists no batches, see its dashboard: loom adopt takes a batch that is there, and loom forget drops the job.`,
  }),
  request_refused: ({ job, others, ...home }) =>
    others
      ? { hint: `The others go on; ${loom(`fetch --id ${job} --partial`, home)} writes them without it.` }
      : {},
  requests_damaged: ({ job, ...home }) => ({
    hint: `Nothing of it is sent. End the job with ${loom(`cancel --id ${job}`, home)}, then submit the input again with loom run.`,
  }),
  batch_unrecorded: (home) => ({
    hint: `Mend the disk, then run ${loom('fetch', home)}: it finds the batch again.`,
  }),
  id_map_lost: (home) => ({ hint: `Put one of them back, then run ${loom('fetch', home)}.` }),
  record_lost: (home) => ({
    message: `Its record is gone or damaged; ${loom('fetch', home)} makes a new one where it is gone.`,
  }),
  creation_cut_off: (home) => ({
    hint: `The next ${loom('fetch', home)} looks for it, and settles that.`,
  }),
  record_short: ({ file }) => ({
    hint: `Move ${file} away from batches/; the next loom fetch makes a new one from its job.`,
  }),
  record_unreadable: () => ({ hint: 'Another command may have finished it: see loom list.' }),
  record_damaged: () => ({ hint: 'Rebuild it with loom adopt, after moving the file away.' }),
  cache_write_failed: () => ({ hint: 'Free the disk, or run with --no-cache.' }),
  cache_ended: () => ({ hint: 'Run again, or with --no-cache.' }),
  cache_unwritable: () => ({ hint: 'Make it writable, or give --cache-dir or LOOM_CACHE_DIR another.' }),
  cache_not_shared: ({ cache }) => ({
    hint: `Its owner shares it with a group by: chgrp -R <group> ${cache} && chmod -R g+rwX ${cache} && chmod 2770 ${cache}. Or give --cache-dir or LOOM_CACHE_DIR another.`,
  }),
  cache_foreign: ({ proposed }) => ({
    hint: `Give --cache-dir or LOOM_CACHE_DIR an empty folder, or one that is not there yet, such as ${proposed}.`,
  }),
  reach_of_one: ({ option, providers }) => ({
    message: `${flagFor(option)} can't serve pending batches of several providers (${providers.join(', ')}).`,
    hint: 'Name one batch with --id, or set the variables of each provider instead.',
  }),
  report_unwritable: () => ({ hint: 'Make room, or choose another path with --output.' }),
  price_unknown: ({ model, title }) => ({
    message: `no price is known for ${model} of ${title}, so --max-cost can't be kept; nothing was sent.`,
    hint: 'Run without --max-cost, or set a limit at the provider.',
  }),
  cost_too_high({ cost, maxCost, maxTokens }) {
    const what =
      maxTokens === undefined
        ? `the input alone costs about ${formatDollars(cost)}`
        : `with answers of ${maxTokens} tokens the batch costs about ${formatDollars(cost)}`;
    return {
      message: `${what}, and --max-cost is ${formatDollars(maxCost)}; nothing was sent.`,
      hint: 'Take fewer rows, another model, or a higher --max-cost.',
    };
  },
  cost_spent: ({ maxCost, spent }) => ({
    message: `--max-cost ${formatDollars(maxCost)} is reached: this run has spent about ${formatDollars(spent)}.`,
    hint: 'The answers so far are kept, and no output is written: the same command with a higher --max-cost goes on from there.',
  }),
};

/** The flag of an option of the library. */
function flagFor(option: string): string {
  if (option === 'headers') return '--header';
  return `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The flag of a generation setting. */
function settingFlag(setting: SettingName): string {
  if (setting === 'json_mode') return '--json';
  return setting === 'extra' ? '--param' : `--${setting.replaceAll('_', '-')}`;
}

/** What is told, in the words of the command line. */
export function wordsOf({ message, hint, code, facts }: Told): Told {
  const say = code && (words[code] as ((facts: ErrorFacts[ErrorCode] | undefined) => Words) | undefined);
  return { message, hint, ...say?.(facts) };
}
