/** Flags that several commands have. */
import { type Command, Option } from 'commander';
import { fileTypes, providerNames, statusWords } from '../../core/names.ts';
import { collectWords, parseDuration, parseServerName, parseText, parseWhole } from './flag-values.ts';
import { RareOption } from './rare-option.ts';

export function addInputOptions(command: Command): Command {
  return command
    .optionsGroup('Input:')
    .requiredOption(
      '-f, --file <path>',
      'Input .json, .jsonl, .csv or .tsv, plain or .gz, or .parquet; - reads stdin.',
      parseText,
    )
    .addOption(new RareOption('--format <name>', 'What stdin holds, with --file -.').choices([...fileTypes]))
    .addOption(
      new RareOption('--limit <rows>', 'Run only so many rows, from the start.').argParser(parseWhole(1)),
    )
    .addOption(
      new Option('--sample <rows>', 'Run only so many rows, chosen at random.')
        .argParser(parseWhole(1))
        .conflicts('limit'),
    )
    .addOption(
      new RareOption('--sample-seed <number>', 'Choose other rows with --sample (default: 0).').argParser(
        parseWhole(0),
      ),
    )
    .optionsGroup('Model and prompt:')
    .addOption(
      new Option('-p, --provider <name>', 'LLM provider.').choices([...providerNames]).makeOptionMandatory(),
    )
    .requiredOption('-m, --model <id>', 'Model id, as the provider names it.', parseText)
    .option(
      '-c, --col <name>',
      'Column or field that holds the prompt (JSON and JSONL: prompt; else required without --prompt).',
    )
    .addOption(
      new Option(
        '--prompt <template>',
        'In place of --col: a text into which columns or fields are filled, such as "Translate {{text}}", or @<path> of one.',
      )
        .argParser(parseText)
        .conflicts('col'),
    )
    .addOption(
      new RareOption(
        '--row-id <field>',
        'Column or field that names rows in <output>.errors.jsonl; repeats in it are told (default: id, where there is one).',
      ).argParser(parseText),
    );
}

export function addReachOptions(command: Command): Command {
  return command
    .optionsGroup('Reach:')
    .addOption(
      new RareOption(
        '--api-key <key>',
        'API key (default: from the environment or .env). Servers on this machine need none.',
      ),
    )
    .addOption(
      new RareOption(
        '--base-url <url>',
        'Address of the API: a proxy, a gateway, a local server (default: from the environment or .env, else the provider).',
      ),
    )
    .addOption(sandboxOption());
}

/** How a command speaks. */
export function addVoiceOptions(command: Command): Command {
  return command
    .optionsGroup('General:')
    .addOption(
      new RareOption(
        '--output-format <name>',
        'text, or json: one JSON document on stdout and nothing else; the sentences go to stderr.',
      )
        .choices(['text', 'json'])
        .default('text'),
    )
    .addOption(
      new RareOption('-q, --quiet', 'Print results, warnings, errors and questions only.').conflicts(
        'verbose',
      ),
    )
    .addOption(
      new RareOption(
        '-v, --verbose',
        'Tell each request to the provider: its status, its time, its retries; never a key or a prompt.',
      ),
    );
}

export function statusOption(description: string): Option {
  return new Option('-s, --status <name...>', description)
    .choices([...statusWords])
    .argParser(collectWords(statusWords));
}

/** Where defaults of the other flags come from. */
export function addConfigOptions(command: Command): Command {
  return command
    .optionsGroup('General:')
    .addOption(
      new RareOption(
        '--config <path>',
        'File of defaults for flags (default: LOOM_CONFIG, else loom.config.json or package.json here).',
      ).argParser(parseText),
    )
    .addOption(new RareOption('--no-config', 'Read no file of defaults.'));
}

export function sandboxOption(): Option {
  return new Option(
    '--sandbox',
    'Use the built-in stand-in for the provider: no key, no cost, state apart.',
  ).default(false);
}

export function cacheDirOption(): Option {
  return new RareOption(
    '--cache-dir <path>',
    'Where the response cache is (default: LOOM_CACHE_DIR, else ~/.loom/cache).',
  ).argParser(parseText);
}

export function serverNameOption(): Option {
  return new RareOption(
    '--server-name <name>',
    'A name for the server that answers, in place of its address: for one whose address changes. A batch remembers it.',
  ).argParser(parseServerName);
}

/** How a command waits for batches. */
export function addWaitOptions(command: Command): Command {
  return command
    .optionsGroup('Waiting:')
    .option('--wait', 'Stay until the batches end, and write each output as soon as it is complete.', false)
    .addOption(
      new RareOption(
        '--interval <time>',
        'With --wait: a fixed pause between two checks of a batch, such as 30s or 5m (default: growing, from 2 s to 5 min).',
      ).argParser(parseDuration),
    )
    .addOption(
      new RareOption(
        '--timeout <time>',
        'With --wait: give up after 90 (seconds), 30m, 2h or 1d, with exit code 1; all is kept.',
      ).argParser(parseDuration),
    );
}

export function noCacheOption(): Option {
  return new RareOption(
    '--no-cache',
    'Neither read nor write the response cache, and ask equal prompts each time. A batch remembers it.',
  );
}

export function workersOption(description: string): Option {
  return new Option('-w, --workers <number>', description).argParser(parseWhole(1)).default(8);
}

export function callTimeoutOption(description: string): Option {
  return new RareOption('--call-timeout <time>', description).argParser(parseDuration);
}

export function patienceOption(description: string): Option {
  return new RareOption('--patience <time>', description).argParser(parseDuration);
}

export function withMetaOption(): Option {
  return new RareOption('--with-meta', 'Add llm_provider and llm_model next to llm_response.').default(false);
}

export function withUsageOption(): Option {
  return new RareOption(
    '--with-usage',
    'Add llm_input_tokens, llm_output_tokens and llm_finish_reason, as the provider tells them.',
  ).default(false);
}

export function withErrorOption(): Option {
  return new RareOption('--with-error', 'Add llm_error, the reason of each row without a response.').default(
    false,
  );
}
