/** The flags that say how to generate. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseNumber, parseText, parseWhole } from './flag-values.ts';
import { RareOption } from './rare-option.ts';

const anyWhole = parseWhole(Number.MIN_SAFE_INTEGER);

/** The flags that `run` and `adopt` share. */
export function addSettingsOptions(command: Command): Command {
  return command
    .optionsGroup('Settings:')
    .addOption(systemOption())
    .addOption(rare('-t, --temperature <number>', 'How freely to choose words.', parseNumber))
    .addOption(
      rare(
        '--max-tokens <number>',
        "Most tokens in an answer (default: the model's; 4096 at Anthropic).",
        parseWhole(1),
      ),
    )
    .addOption(
      rare('--top-p <number>', 'Choose among the likeliest words with this share of the odds.', parseNumber),
    )
    .addOption(
      rare('--top-k <number>', 'Choose among so many of the likeliest words (not OpenAI).', parseWhole(0)),
    )
    .addOption(
      rare('--stop <text>', 'End the answer before this text; give it again for more.', collectStops),
    )
    .addOption(
      rare('--seed <number>', 'Answer alike each time, as far as it goes (not Anthropic).', anyWhole),
    )
    .addOption(
      rare(
        '--presence-penalty <number>',
        'Favour words that have not come yet (not Anthropic).',
        parseNumber,
      ),
    )
    .addOption(
      rare(
        '--frequency-penalty <number>',
        'Favour words that have come less often (not Anthropic).',
        parseNumber,
      ),
    )
    .addOption(new RareOption('--json', 'Answer with a JSON object (not Anthropic).'))
    .option('--schema <path>', 'File of a JSON Schema that each answer has to fit.', parseText)
    .addOption(
      rare(
        '--param <key=value>',
        'Any other field of the request, in JSON; give it again for more.',
        collectParams,
      ),
    );
}

function rare<Value>(
  flags: string,
  description: string,
  parse: (text: string, before: Value) => Value,
): Option {
  return new RareOption(flags, description).argParser(parse);
}

/** What the model is told ahead of each prompt. */
export function systemOption(): Option {
  return new Option(
    '--system <text>',
    'What to tell the model ahead of each prompt; @path reads it from a file.',
  ).argParser(parseText);
}

function collectStops(text: string, stops: readonly string[] = []): readonly string[] {
  if (text === '') throw new InvalidArgumentError('It must not be empty.');
  return [...stops, text];
}

/** A value that is no JSON is text. */
function collectParams(text: string, params: Readonly<Record<string, unknown>> = {}) {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new InvalidArgumentError('It must be key=value.');
  if (Object.hasOwn(params, key)) throw new InvalidArgumentError(`${key} was given before.`);
  return Object.fromEntries([...Object.entries(params), [key, parseParam(value)]]);
}

function parseParam(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
