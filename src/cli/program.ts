/** Every command and every flag, and nothing of what they do. */
import { Command, Option } from 'commander';
import { fileTypes, providerNames } from '../names.ts';
import { parseDollars, parseText, parseWhole } from './flag-values.ts';
import type { CommandContext, Commands, VoiceOptions } from './options.ts';
import { addSettingsOptions, systemOption } from './settings-flags.ts';

/** The commander program; an action's exit code is handed to `onExitCode`. */
export function createProgram(
  version: string,
  commands: Commands,
  context: CommandContext,
  onExitCode: (code: number) => void,
): Command {
  const program = new Command('loom')
    .description(
      'Run a file of prompts through an LLM, in half-price batches or live, and get the answers back in the file.',
    )
    .version(version, '-V, --version', 'Print the version.')
    .addHelpText('after', exitCodeHelp);
  const act =
    <Options>(command: (options: Options, context: CommandContext) => Promise<number>) =>
    async (options: Options & VoiceOptions) => {
      Object.assign(context.voice, readVoice(options));
      onExitCode(await command(options, context));
    };

  addVoiceOptions(addRun(program)).action(act(commands.run));
  addVoiceOptions(addFetch(program)).action(act(commands.fetch));
  addVoiceOptions(addAdopt(program)).action(act(commands.adopt));
  addVoiceOptions(addList(program)).action(act(commands.list));
  addVoiceOptions(addTokens(program)).action(act(commands.tokens));
  addVoiceOptions(addCacheClear(program)).action(act(commands.clearCache));
  addSandbox(program).action(act(commands.serveSandbox));
  for (const command of allCommands(program)) shapeCommand(command, context);
  return program;
}

const exitCodeHelp = `
Exit codes:
  0    done; for fetch also when batches are still pending
  1    it could not be done
  2    usage error, or token counting not available
  3    done and written, but some rows have no response
  130  interrupted by SIGINT (143: by SIGTERM)`;

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

function readVoice({ quiet, verbose, outputFormat }: VoiceOptions): CommandContext['voice'] {
  return { quiet: quiet ?? false, verbose: verbose ?? false, json: outputFormat === 'json' };
}

/** The same manners at every level: help words, one error line, no exit of commander's own. */
function shapeCommand(command: Command, { terminal }: CommandContext): void {
  command
    .helpOption('-h, --help', 'Show this help (also -?).')
    .helpCommand(false)
    .configureHelp({ optionDescription: describeOption })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text.replace(/\n$/, '')),
      writeErr: (text) => terminal.fail(text.replace(/^error: /, '')),
    });
}

/** The description with its default; a switch needs none. */
function describeOption({ description, defaultValue, argChoices }: Option): string {
  const notes: string[] = [];
  if (argChoices) notes.push(`one of: ${argChoices.join(', ')}`);
  if (defaultValue !== undefined && typeof defaultValue !== 'boolean') notes.push(`default: ${defaultValue}`);
  return notes.length === 0 ? description : `${description} (${notes.join('; ')})`;
}

function addRun(program: Command): Command {
  const run = addInputOptions(program.command('run'))
    .description(
      'Submit a file of prompts as a batch (cheap; fetch the answers later), or answer it at once with --sync.',
    )
    .option(
      '-o, --output <path>',
      'Output file; - writes to stdout, with --sync (default: <input>_results_<provider>_<model>.<ext>).',
    )
    .option('--sync', 'Call the provider for each prompt and write the output at once.', false)
    .option('--batch', 'Submit through the batch API of the provider (default).')
    .addOption(workersOption('Concurrent calls (with --sync).'))
    .addOption(noCacheOption())
    .addOption(cacheDirOption())
    .option('--force', 'Overwrite an existing output file without asking.', false)
    .option('--once', 'Send nothing while the same work is pending (for cron).', false)
    .option('--batch-size <rows>', "Most rows in one batch (default: the provider's limit).", parseWhole(1))
    .option('--dry-run', 'Check the input, tell what would be sent and its cost, and send nothing.', false)
    .option('--max-cost <usd>', 'Refuse or stop a run that costs more than so many US dollars.', parseDollars)
    .addOption(withMetaOption())
    .addOption(withUsageOption())
    .addOption(withErrorOption());
  // The last of --sync and --batch wins.
  run.on('option:batch', () => run.setOptionValue('sync', false));
  return addReachOptions(addSettingsOptions(run)).addHelpText('after', runExamples);
}

const runExamples = `
Examples:
  loom run -f prompts.json -p openai -m gpt-4o-mini
  loom run -f data.csv -c text -p anthropic -m claude-haiku-5-5 --sync
  loom run -f data.csv -c text -p openai -m gpt-4o-mini --sandbox
  loom run -f data.csv --prompt 'Translate into {{language}}: {{text}}' -p openai -m gpt-4o-mini
  loom run -f data.csv -c text -p openai -m gpt-4o-mini --sync --sample 10
  loom run -f data.csv -c text -p openai -m gpt-4o-mini --dry-run
  loom run -f data.csv -c text -p openai -m gpt-4o-mini --sync --max-cost 2.50

  cat data.jsonl | loom run -f - --format jsonl -p openai -m gpt-4o-mini --sync > answers.jsonl`;

function addFetch(program: Command): Command {
  const fetch = program
    .command('fetch')
    .description('Check pending batches, and write the output of each that is complete.')
    .option('-i, --id <id>', 'Fetch one batch or job by its id (implies --no-all).')
    .option('-a, --all', 'Fetch every pending batch (default).', true)
    .option('--no-all', 'Fetch only what --id names.')
    .option('-k, --keep', 'Keep the record in ~/.loom/batches/ after the output is written.', false)
    .option('--force', 'Overwrite existing output files without asking.', false)
    .option(
      '--partial',
      'With --id: write what there is of a batch that ended early or whose input has changed.',
      false,
    )
    .option('-f, --file <path>', 'With --id: where the input is now, if it was moved.')
    .addOption(cacheDirOption());
  return addReachOptions(fetch).addHelpText('after', '\nExample:\n  loom fetch');
}

function addAdopt(program: Command): Command {
  const adopt = addInputOptions(
    program.command('adopt').requiredOption('-i, --id <id>', 'Batch id at the provider.'),
  )
    .description('Rebuild the lost record of a batch, from the input it was made of.')
    .option('-o, --output <path>', 'Output file (default: <input>_results_<provider>_<model>.<ext>).')
    .addOption(noCacheOption())
    .addOption(cacheDirOption())
    .addOption(withMetaOption())
    .addOption(withUsageOption())
    .addOption(withErrorOption());
  return addReachOptions(addSettingsOptions(adopt)).addHelpText(
    'after',
    '\nExample:\n  loom adopt --id batch_abc123 -p openai -m gpt-4o-mini -f prompts.json',
  );
}

function addList(program: Command): Command {
  return program
    .command('list')
    .description('List every batch known to loom with its last-seen status.')
    .addOption(sandboxOption())
    .addHelpText('after', '\nExample:\n  loom list');
}

function addTokens(program: Command): Command {
  const tokens = addInputOptions(program.command('tokens'))
    .description(
      "Count the input tokens of every prompt with the provider's own counter (Anthropic, Google).",
    )
    .addOption(workersOption('Concurrent calls.'))
    .addOption(systemOption())
    .option('--estimate', 'Count on this machine, without a call: for every provider, and roughly.', false);
  return addReachOptions(tokens).addHelpText(
    'after',
    '\nExamples:\n  loom tokens -f prompts.json -p anthropic -m claude-haiku-5-5\n  loom tokens -f prompts.json -p openai -m gpt-4o-mini --estimate',
  );
}

function addCacheClear(program: Command): Command {
  const cache = program.command('cache').description('Manage the response cache.');
  cache.allowExcessArguments().action(() => {
    const [word] = cache.args;
    if (word === undefined) cache.outputHelp();
    else cache.error(`error: unknown command '${word}' of cache. It has: clear.`);
  });
  return cache
    .command('clear')
    .description('Delete every cached response.')
    .option('-y, --yes', 'Do not ask.', false)
    .addOption(cacheDirOption())
    .addOption(sandboxOption())
    .addHelpText('after', '\nExample:\n  loom cache clear --yes');
}

function addSandbox(program: Command): Command {
  return program
    .command('sandbox')
    .description('Serve a local stand-in for all providers, to rehearse runs without keys or cost.')
    .option('--port <number>', 'Port on 127.0.0.1 (0: any free one).', parseWhole(0, 65_535), 0)
    .option('--latency <ms>', 'Wait before each live answer.', parseWhole(0), 0)
    .option('--faults <path>', 'JSON file that says what goes wrong, for rehearsals.')
    .option('--turnaround <ms>', 'Time from the creation of a batch to its end.', parseWhole(0), 1_000)
    .addHelpText('after', '\nExample:\n  loom sandbox --port 8080 --latency 100');
}

function addInputOptions(command: Command): Command {
  return command
    .requiredOption(
      '-f, --file <path>',
      'Input .json, .jsonl, .csv or .tsv, plain or .gz, or .parquet; - reads stdin.',
      parseText,
    )
    .addOption(new Option('--format <name>', 'What stdin holds, with --file -.').choices([...fileTypes]))
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
    .option('--limit <rows>', 'Run only so many rows, from the start.', parseWhole(1))
    .addOption(
      new Option('--sample <rows>', 'Run only so many rows, chosen at random.')
        .argParser(parseWhole(1))
        .conflicts('limit'),
    )
    .option('--sample-seed <number>', 'Choose other rows with --sample (default: 0).', parseWhole(0));
}

function addReachOptions(command: Command): Command {
  return command
    .option('--api-key <key>', 'API key (default: from the environment or .env).')
    .option('--base-url <url>', 'Address of the API: a proxy, a gateway, a local server.')
    .addOption(sandboxOption());
}

function noCacheOption(): Option {
  return new Option(
    '--no-cache',
    'Neither read nor write the response cache, and ask equal prompts each time.',
  );
}

function cacheDirOption(): Option {
  return new Option(
    '--cache-dir <path>',
    'Where the response cache is (default: LOOM_CACHE_DIR, else ~/.loom/cache).',
  ).argParser(parseText);
}

function withMetaOption(): Option {
  return new Option('--with-meta', 'Add llm_provider and llm_model next to llm_response.').default(false);
}

function withUsageOption(): Option {
  return new Option(
    '--with-usage',
    'Add llm_input_tokens, llm_output_tokens and llm_finish_reason, as the provider tells them.',
  ).default(false);
}

function withErrorOption(): Option {
  return new Option('--with-error', 'Add llm_error, the reason of each row without a response.').default(
    false,
  );
}

/** How a command speaks. */
function addVoiceOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--output-format <name>', 'text, or one JSON document on stdout.')
        .choices(['text', 'json'])
        .default('text'),
    )
    .addOption(new Option('-q, --quiet', 'Print results, warnings and errors only.').conflicts('verbose'))
    .option('-v, --verbose', 'Tell each request to the provider: its status, its time, its retries.');
}

function sandboxOption(): Option {
  return new Option(
    '--sandbox',
    'Use the built-in stand-in for the provider: no key, no cost, state apart.',
  ).default(false);
}

function workersOption(description: string): Option {
  return new Option('-w, --workers <number>', description).argParser(parseWhole(1)).default(8);
}
