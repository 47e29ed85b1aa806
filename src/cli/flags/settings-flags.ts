/** The flags that say how to generate. */
import { type Command, InvalidArgumentError, type Option } from 'commander';
import { apiNames, efforts } from '../../core/models.ts';
import { addFlags, flag, rareFlag } from './flag.ts';
import { parseNumber, parseText, parseWhole } from './flag-values.ts';

const anyWhole = parseWhole(Number.MIN_SAFE_INTEGER);
const positive = parseWhole(1);

/** The flags that `run` and `adopt` share. */
export function addSettingsFlags(command: Command): Command {
  return addFlags(command, 'Settings:', [
    systemFlag(),
    rareFlag('-t, --temperature <number>', 'How freely to choose words.', parseNumber),
    rareFlag(
      '--max-tokens <number>',
      "Most tokens in an answer (default: the model's; 4096 at Anthropic).",
      positive,
    ),
    rareFlag(
      '--top-p <number>',
      'Choose among the likeliest words with this share of the odds.',
      parseNumber,
    ),
    rareFlag('--top-k <number>', 'Choose among so many of the likeliest words (not OpenAI).', parseWhole(0)),
    rareFlag('--stop <text>', 'End the answer before this text; give it again for more.', collectStops),
    rareFlag('--seed <number>', 'Answer alike each time, as far as it goes (not Anthropic).', anyWhole),
    rareFlag(
      '--presence-penalty <number>',
      'Favour words that have not come yet (not Anthropic).',
      parseNumber,
    ),
    rareFlag(
      '--frequency-penalty <number>',
      'Favour words that have come less often (not Anthropic).',
      parseNumber,
    ),
    rareFlag(
      '--effort <level>',
      'How much the model thinks before it answers, where it can be told.',
    ).choices(efforts),
    rareFlag('--json', 'Answer with a JSON object (not Anthropic).'),
    rareFlag(
      '--few-shot <path>',
      'Examples that go ahead of every prompt as turns: a .jsonl, .json, .csv or .tsv with a prompt and a response each.',
      parseText,
    ),
    flag(
      '--fields <spec>',
      'What each answer has to hold, a column each: "tone: good|bad, score?: integer", or @<path> of it.',
      parseText,
    ).conflicts(['schema', 'columns', 'json']),
    rareFlag(
      '--schema <path>',
      'JSON Schema that each answer has to fit: a file, or the JSON itself.',
      parseText,
    ),
    rareFlag('--columns', 'A column for each property at the top level of --schema.').default(false),
    rareFlag(
      '--api <api>',
      'Ask through chat completions (chat, the default) or the Responses API (responses), which some models of OpenAI need.',
    ).choices(apiNames),
    rareFlag(
      '--param <key=value>',
      'Any other field of the request, in JSON; give it again for more.',
      collectParams,
    ),
  ]);
}

/** What the model is told ahead of each prompt. */
export function systemFlag(): Option {
  return flag(
    '--system <text>',
    'What to tell the model ahead of each prompt; @path reads it from a file.',
    parseText,
  );
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
