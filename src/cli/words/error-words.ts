/**
 * What errors are called where flags and commands are at hand: the one place that knows both their codes and the command
 * line. What stands in no entry is told in the error's own words.
 */
import type { ErrorCode, ErrorFacts } from '../../core/error-facts.ts';
import type { LoomError } from '../../core/errors.ts';
import { describeColumns } from '../../formats/template/prompt-columns.ts';

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
  column_unknown: ({ option, closest }) =>
    closest === undefined ? { hint: `Name one of these with ${flagFor(option)}.` } : {},
  field_unknown({ option, closest, holds }) {
    if (holds === 'requests') return {};
    if (holds === 'conversations')
      return {
        hint: 'These are conversations: write the text that is to be asked into a field of its own, and name it with --col.',
      };
    if (option === undefined)
      return { hint: 'Name the field that holds the prompts with --col, or fill several into a --prompt.' };
    return closest === undefined
      ? { hint: `Name a field that the entries have with ${flagFor(option)}.` }
      : {};
  },
  row_id_unknown: () => ({ hint: 'Name a field that the entries have with --row-id.' }),
  placeholder_missing: () => ({ message: '--prompt has no placeholder: every row would ask the same.' }),
  placeholder_broken: ({ found }) => ({ message: `--prompt: ${found} begins no placeholder.` }),
  cache_unwritable: () => ({ hint: 'Make it writable, or give --cache-dir or LOOM_CACHE_DIR another.' }),
  cache_not_shared: ({ cache }) => ({
    hint: `Its owner shares it with a group by: chgrp -R <group> ${cache} && chmod -R g+rwX ${cache} && chmod 2770 ${cache}. Or give --cache-dir or LOOM_CACHE_DIR another.`,
  }),
  cache_foreign: ({ proposed }) => ({
    hint: `Give --cache-dir or LOOM_CACHE_DIR an empty folder, or one that is not there yet, such as ${proposed}.`,
  }),
};

/** The flag of an option of the library. */
function flagFor(option: string): string {
  return `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** An error in the words of the command line. */
export function wordsOf(error: LoomError): { readonly message: string; readonly hint: string | undefined } {
  const { message, hint, code, facts } = error;
  const say = code && (words[code] as ((facts: ErrorFacts[ErrorCode] | undefined) => Words) | undefined);
  return { message, hint, ...say?.(facts) };
}
