/** The flags of `loom run`. */
import type { Command } from 'commander';
import { addFlags, flag, rareFlag } from '../flags/flag.ts';
import { parseDollars, parseText, parseWhole } from '../flags/flag-values.ts';
import { addSettingsFlags } from '../flags/settings-flags.ts';
import {
  addInputFlags,
  addReachFlags,
  addWaitFlags,
  cacheFlags,
  callFlags,
  columnFlags,
} from '../flags/shared-flags.ts';

export function addRun(program: Command): Command {
  const run = addInputFlags(program.command('run')).description(
    'Submit a file of prompts as a batch (cheap; fetch the answers later, or --wait), or answer it at once with --sync.',
  );
  addFlags(run, 'Output:', [
    flag(
      '-o, --output <path>',
      'Output file, in a folder that exists; - writes to stdout, with --sync (default: <input>_results_<provider>_<model>.<ext>).',
    ),
    flag(
      '--force',
      'Overwrite an existing output file without asking. (A batch asks when it is fetched, with --wait before it is sent.)',
    ).default(false),
    ...columnFlags(),
  ]);
  addFlags(run, 'Batch or sync:', [
    flag('--sync', 'Call the provider for each prompt and write the output at once.').default(false),
    rareFlag(
      '--batch',
      'Submit through the batch API of the provider (default; at OpenRouter only when asked). The last of --sync and --batch wins.',
    ),
    ...callFlags(
      'Concurrent calls (with --sync).',
      'With --sync: give up a row whose answer takes longer than 90 (seconds), 30m or 2h (default: 10m). It may be paid for, so it is not asked again by itself.',
      'With --sync: end after so long without an answer under rate limits, or at once when one lasts longer (default: 5m). What was answered is kept, and no output is written.',
    ),
    rareFlag(
      '--tier <name>',
      'With --sync: be answered cheaper and slower, or faster and dearer: flex or priority, at OpenAI and Google. Answers in the cache count whichever they came in.',
      parseText,
    ),
    rareFlag(
      '--retry-misfits <times>',
      'With --sync: ask up to so many times again for an answer that does not fit --fields or --schema, and say why it does not. Each is paid for.',
      parseWhole(1),
    ),
    ...cacheFlags(),
    rareFlag(
      '--again',
      'Submit also while the same work is pending, and pay for it once more. Without it nothing is sent then; a terminal asks.',
    )
      .default(false)
      .conflicts('once'),
    rareFlag('--once', 'Send nothing while the same work is pending: what a run does by itself.').default(
      false,
    ),
    rareFlag(
      '--batch-size <rows>',
      "Most rows in one batch; a larger input becomes several (default: the provider's limit).",
      parseWhole(1),
    ),
  ]);
  addFlags(run, 'Cost:', [
    flag(
      '--dry-run',
      'Check the whole input, tell what would be sent and its cost, and send and write nothing. Needs no key.',
    ).default(false),
    flag(
      '--preview [rows]',
      'Show the first prompts as they would be sent, and the first request; send and write nothing (default: 3 rows). Needs no key.',
      parseWhole(1),
    ).conflicts('dryRun'),
    flag(
      '--max-cost <usd>',
      'Refuse a run whose input alone costs more than so many US dollars, and stop one with --sync that has cost as much.',
      parseDollars,
    ),
  ]);
  // The last of --sync and --batch wins.
  run.on('option:batch', () => run.setOptionValueWithSource('sync', false, 'cli'));
  return addReachFlags(addSettingsFlags(addWaitFlags(run))).addHelpText('after', runExamples);
}

const runExamples = `
Examples:
  loom run -f prompts.json -p openai -m gpt-4o-mini
  loom run -f data.csv -c text -p anthropic -m claude-haiku-4-5 --sync
  loom run -f data.csv -c text -p openai -m gpt-4o-mini --sandbox
  loom run -f data.csv -c text -p openai -m gpt-4o-mini --wait --timeout 6h
  loom run -f data.csv --prompt 'Translate {{text}}' -p openai -m gpt-4o-mini
  loom run -f data.csv -c text -p openai -m gpt-4o-mini --sync --sample 10
  loom run -f data.csv -c text -p openai -m gpt-4o-mini --dry-run
  loom run -f data.csv -c text -p openai -m gpt-4o-mini --sync --max-cost 2.50
  loom run -f - --format jsonl -p openai -m gpt-4o-mini --sync < in.jsonl > out`;
