/** A command line that works in the folder where somebody began one: it has what was given, and what was missing. */
import { readdirSync } from 'node:fs';
import type { Command } from 'commander';
import { guessFormat, inputExtensions, listColumns } from '../../api/input-files.ts';
import { variablesOf } from '../../api/options/reach.ts';
import { listProviders, type ProviderInfo } from '../../api/providers.ts';
import type { ProviderName } from '../../core/names.ts';
import { quoteShell } from '../../core/shell.ts';
import type { CommandContext, InputOptions, RunOptions } from '../options/options.ts';

type Given = Partial<InputOptions> & Partial<Pick<RunOptions, 'sync' | 'sandbox'>>;
type Place = Pick<CommandContext, 'environment' | 'workingFolder'>;

/** A small model of a provider. */
const usualModels: Readonly<Partial<Record<ProviderName, string>>> = {
  openai: 'gpt-4o-mini',
  anthropic: 'claude-haiku-4-5',
  google: 'gemini-2.5-flash',
  openrouter: 'openai/gpt-4o-mini',
  alibaba: 'qwen-plus',
  xai: 'grok-4.3',
};

/** `loom run -f reviews.csv -c text -p openai -m gpt-4o-mini --sandbox`: without a key it is a rehearsal. */
export async function proposeCommand(name: string, command: Command, place: Place): Promise<string> {
  const given = command.opts<Given>();
  // The name of a file that stands without its flag is most likely the input.
  const file = given.file ?? command.args[0];
  const variables = variablesOf({ ...place, dotenv: true });
  const known = listProviders(place);
  const keyed = known.find((provider) => hasKeyFor(provider, variables));
  const provider = given.provider ?? keyed?.name ?? 'openai';
  const hasKey = known.some((each) => each.name === provider && hasKeyFor(each, variables));
  const asksLive = known.some((each) => each.name === provider && each.batchesWhenAsked);
  const takesSandbox = command.options.some(({ long }) => long === '--sandbox');
  const words = [
    ...(await describeFile({ ...given, ...(file !== undefined && { file }) }, place)),
    ...['-p', provider, '-m', given.model ?? usualModels[provider] ?? 'MODEL'],
    ...(given.sync || (asksLive && name === 'loom run') ? ['--sync'] : []),
    ...(given.sandbox || (takesSandbox && !hasKey) ? ['--sandbox'] : []),
  ];
  return `${name} ${words.map(quoteShell).join(' ')}`;
}

function hasKeyFor({ keyVariable, otherKeyVariables }: ProviderInfo, variables: NodeJS.ProcessEnv): boolean {
  return [keyVariable, ...otherKeyVariables].some((name) => variables[name]);
}

async function describeFile({ file, col, prompt }: Given, place: Place): Promise<string[]> {
  const chosen = file ?? findInput(place.workingFolder);
  if (chosen === undefined) return ['-f', 'prompts.json'];
  if (prompt !== undefined) return ['-f', chosen, '--prompt', prompt];
  const column = col ?? (await findColumn(chosen, place));
  return ['-f', chosen, ...(column === undefined ? [] : ['-c', column])];
}

const mostNames = 1_000;
/** Files that programs keep for themselves, and what loom wrote. */
const otherFiles =
  /^\.|^(package(-lock)?|tsconfig.*|loom\.config|.*schema)\.json$|_results_|\.errors\.jsonl$|_report\./i;

/** The input that was most likely meant: a table first, since `.json` may be anything. */
function findInput(folder: string): string | undefined {
  const extensions = inputExtensions().map((extension) => `.${extension}`);
  const inputs = listNames(folder)
    .filter((name) => !otherFiles.test(name) && extensions.some((end) => name.toLowerCase().endsWith(end)))
    .sort();
  return inputs.find((name) => !/\.json(\.gz)?$/i.test(name)) ?? inputs[0];
}

function listNames(folder: string): string[] {
  try {
    return readdirSync(folder).slice(0, mostNames);
  } catch {
    return [];
  }
}

const promptNames = /^(prompt|text|question|input|content|message|review|comment|description|body|title)$/i;

/** What tells rows apart, and hardly asks anything: `order_id`, `Nr`, `Gästename`. */
const otherNames = /(id|nr|no|number|nummer|date|datum|name)\.?$/i;

/** The column that sounds most like a prompt; none where a prompt is found without one. */
async function findColumn(file: string, place: Place): Promise<string | undefined> {
  const names = await listColumns(file, place).catch((): string[] => []);
  const isObjects = /^jsonl?$/.test(guessFormat(file) ?? '');
  if (isObjects && (names.length === 0 || names.includes('prompt'))) return undefined;
  const column =
    names.find((name) => promptNames.test(name.trim())) ??
    names.find((name) => !otherNames.test(name.trim()));
  return column ?? names[0] ?? 'text';
}
