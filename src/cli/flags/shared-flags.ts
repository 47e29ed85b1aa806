/** Flags that several commands have. */
import type { Command, Option } from 'commander';
import { fileTypes, statusWords } from '../../core/names.ts';
import { addFlags, flag, rareFlag } from './flag.ts';
import {
  collectTexts,
  collectWords,
  parseDuration,
  parseServerName,
  parseText,
  parseWhole,
} from './flag-values.ts';

/** Of a command whose first word may name the input. */
export function addInputFlags(command: Command): Command {
  takeInputFirst(command);
  return addNamedInputFlags(command, ' The first word may name it, too.');
}

/** The same of a command with other words: its input has its flag. */
export function addNamedInputFlags(command: Command, alsoBy = ''): Command {
  addFlags(command, 'Input:', [
    flag(
      '-f, --file <path>',
      `Input .json, .jsonl, .csv or .tsv, plain or .gz, or .parquet; - reads stdin.${alsoBy}`,
      parseText,
    ).makeOptionMandatory(),
    rareFlag('--format <name>', 'What stdin holds, with --file -.').choices([...fileTypes]),
    ...dialectFlags('found: a comma, semicolon, tab or bar'),
    rareFlag('--pad-rows', 'Take rows that lack empty cells at their end; the output has them.').default(
      false,
    ),
    rareFlag(
      '--encoding <label>',
      'Encoding of the input, such as windows-1252 (default: UTF-8, or what a byte order mark says). The output is UTF-8.',
    ),
    rareFlag('--limit <rows>', 'Run only so many rows, from the start.', parseWhole(1)),
    flag('--sample <rows>', 'Run only so many rows, chosen at random.', parseWhole(1)).conflicts('limit'),
    rareFlag('--sample-seed <number>', 'Choose other rows with --sample (default: 0).', parseWhole(0)),
  ]);
  return addFlags(command, 'Model and prompt:', [
    flag(
      '-p, --provider <name>',
      'Who answers: openai, anthropic, google, or another that loom keys list names.',
      parseText,
    ).makeOptionMandatory(),
    flag('-m, --model <id>', 'Model id, as the provider names it.', parseText).makeOptionMandatory(),
    flag(
      '-c, --col <name>',
      'Column or field that holds the prompt (JSON and JSONL: prompt; else required without --prompt).',
    ),
    flag(
      '--prompt <template>',
      'In place of --col: a text into which columns or fields are filled, such as "Translate {{text}}", or @<path> of one.',
      parseText,
    ).conflicts('col'),
    rareFlag(
      '--messages <name>',
      "In place of --col: the column or field that holds a conversation, a JSON list of {role, content} whose last message is the user's.",
      parseText,
    ).conflicts(['col', 'prompt']),
    rareFlag(
      '--attach <column>',
      'Send the picture or PDF that a column or field names with its prompt: a path, an address or a data URI; or a template such as "img/{{id}}.png". May be given again.',
      collectTexts,
    ),
    rareFlag(
      '--row-id <field>',
      'Column or field that names rows in <output>.errors.jsonl; repeats in it are told (default: id, where there is one).',
      parseText,
    ),
  ]);
}

/** How the cells of a table are told apart; `usual` says by what where nobody says it. */
export function dialectFlags(usual: string): Option[] {
  return [
    rareFlag(
      '--delimiter <character>',
      `What stands between the cells of a .csv, such as ";" or tab (default: ${usual}).`,
    ),
    rareFlag(
      '--quoting <name>',
      'none: quotes in a .tsv are text. csv: they hold cells together (default).',
    ).choices(['csv', 'none']),
  ];
}

/** Lets a command take its input without a flag, too: `loom run -c text reviews.csv`. */
function takeInputFirst(command: Command): Command {
  const parseOptions = command.parseOptions.bind(command);
  command.parseOptions = (args) => {
    const parsed = parseOptions(args);
    const [file, ...operands] = parsed.operands;
    if (file === undefined || command.getOptionValueSource('file') === 'cli') return parsed;
    command.setOptionValueWithSource('file', file, 'cli');
    return { ...parsed, operands };
  };
  return command.usage('[file] [options]');
}

export function addReachFlags(command: Command): Command {
  return addFlags(command, 'Reach:', [...addressFlags(), sandboxFlag()]);
}

/** How a provider is reached. */
export function addressFlags(): Option[] {
  return [...keyFlags(), headerFlag()];
}

/** What a gateway wants beside a key. */
export function headerFlag(): Option {
  return rareFlag(
    '--header <name: value>',
    'Send this header with each request, beside those of LOOM_HEADERS; may be given again. Its value is not told.',
    collectTexts,
  );
}

function keyFlags(): Option[] {
  return [
    rareFlag(
      '--api-key <key>',
      'API key (default: from the environment or .env). Servers on this machine need none.',
    ),
    baseUrlFlag(),
  ];
}

function baseUrlFlag(): Option {
  return rareFlag(
    '--base-url <url>',
    'Address of the API: a proxy, a gateway, a local server (default: from the environment or .env, else the provider).',
  );
}

/** Which server answers, of a command that asks none: whose answers those in the cache are. */
export function serverFlags(): Option[] {
  return [baseUrlFlag(), headerFlag()];
}

/** How a command speaks. */
export function addVoiceFlags(command: Command): Command {
  return addFlags(command, 'General:', [
    rareFlag(
      '--output-format <name>',
      'text, or json: one JSON document on stdout and nothing else; the sentences go to stderr.',
    )
      .choices(['text', 'json'])
      .default('text'),
    rareFlag('-q, --quiet', 'Print results, warnings, errors and questions only.').conflicts('verbose'),
    rareFlag(
      '-v, --verbose',
      'Tell each request to the provider: its status, its time, its retries; never a key or a prompt.',
    ),
  ]);
}

/** Where defaults of the other flags come from. */
export function addConfigFlags(command: Command): Command {
  return addFlags(command, 'General:', [
    rareFlag(
      '--config <path>',
      'File of defaults for flags (default: LOOM_CONFIG, else loom.config.json or package.json here).',
      parseText,
    ),
    rareFlag('--no-config', 'Read no file of defaults.'),
  ]);
}

/** How a command waits for batches. */
export function addWaitFlags(command: Command): Command {
  return addFlags(command, 'Waiting:', [
    flag('--wait', 'Stay until the batches end, and write each output as soon as it is complete.').default(
      false,
    ),
    rareFlag(
      '--interval <time>',
      'With --wait: a fixed pause between two checks of a batch, such as 30s or 5m (default: growing, from 2 s to 5 min).',
      parseDuration,
    ),
    rareFlag(
      '--timeout <time>',
      'With --wait: give up after 90 (seconds), 30m, 2h or 1d, with exit code 1; all is kept.',
      parseDuration,
    ),
  ]);
}

/** What an output has beside the answers. */
export function columnFlags(): Option[] {
  return [
    rareFlag('--with-meta', 'Add llm_provider and llm_model next to llm_response.').default(false),
    rareFlag(
      '--with-usage',
      'Add llm_input_tokens, llm_output_tokens and llm_finish_reason, as the provider tells them.',
    ).default(false),
    rareFlag('--with-error', 'Add llm_error, the reason of each row without a response.').default(false),
    rareFlag('--no-response', 'Leave llm_response out, with --fields or --columns.'),
    rareFlag(
      '--as <name>',
      'Name of the answer column, with which the names of others begin: <name>_model (default: llm_response, llm_model).',
      parseText,
    ),
    rareFlag('--prefix <text>', 'What the columns of --fields or --columns begin with.', parseText),
    rareFlag(
      '--replace-columns',
      'Replace columns of the input that have the names of ours; else they are an error.',
    ).default(false),
  ];
}

/** Where answers of before are found, and whose they are. */
export function cacheFlags(): Option[] {
  return [
    rareFlag(
      '--no-cache',
      'Neither read nor write the response cache, and ask equal prompts each time. A batch remembers it.',
    ),
    cacheDirFlag(),
    rareFlag(
      '--server-name <name>',
      'A name for the server that answers, in place of its address: for one whose address changes. A batch remembers it.',
      parseServerName,
    ),
  ];
}

/** How many calls are made at once, and how long is waited for them, as each command has it. */
export function callFlags(workers: string, callTimeout: string, patience: string): Option[] {
  return [
    flag('-w, --workers <number>', workers, parseWhole(1)).default(8),
    rareFlag('--call-timeout <time>', callTimeout, parseDuration),
    rareFlag('--patience <time>', patience, parseDuration),
  ];
}

export function cacheDirFlag(): Option {
  return rareFlag(
    '--cache-dir <path>',
    'Where the response cache is (default: LOOM_CACHE_DIR, else ~/.loom/cache).',
    parseText,
  );
}

export function sandboxFlag(): Option {
  return flag(
    '--sandbox',
    'Use the built-in stand-in for the provider: no key, no cost, state apart.',
  ).default(false);
}

export function statusFlag(description: string): Option {
  return flag('-s, --status <name...>', description)
    .choices([...statusWords])
    .argParser(collectWords(statusWords));
}

/** The job that a command is about. */
export function jobFlag(): Option {
  const description = "The batch or the job; see loom list. A part's id means its whole job.";
  return flag('-i, --id <id>', description, parseText).makeOptionMandatory();
}
