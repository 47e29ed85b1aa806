/** What a shell is proposed at a Tab, read off the flags themselves: nothing is sent, and no file is read whole. */
import type { Command, Option } from 'commander';
import {
  commonEncodings,
  delimiterNames,
  inputExtensions,
  type LayoutOptions,
  listColumns,
} from '../../api/input-files.ts';
import { listBatches } from '../../api/list-batches.ts';
import { listProviders } from '../../api/providers.ts';
import { withoutSteering } from '../../core/steering.ts';
import type { CommandContext } from '../options/options.ts';
import { placeOf } from '../options/reach.ts';

/** What may stand at the cursor; the script of the shell makes proposals of it. */
interface Proposal {
  /** `words`, `files csv json`, `folders` */
  readonly kind: string;
  readonly words?: readonly Word[];
}

interface Word {
  readonly value: string;
  readonly description?: string | undefined;
}

/** The command line up to the cursor, as far as it is understood. */
interface Position {
  readonly command: Command;
  /** Flags before the cursor, by the names of their options. */
  readonly given: ReadonlyMap<string, string>;
  /** Words before the cursor that are neither flags nor values of them. */
  readonly operands: readonly string[];
  /** The flag whose value is at the cursor. */
  readonly option: Option | undefined;
  /** What stands before the value in its word: `--col=`. */
  readonly prefix: string;
  /** What is typed of the value, the flag or the command. */
  readonly typed: string;
}

/** Lines for the script of a shell. `words` end with the one at the cursor. Mistakes in them give no proposals. */
export async function complete(
  program: Command,
  shell: string,
  words: readonly string[],
  context: CommandContext,
): Promise<string[]> {
  // zsh takes the quotes off by itself.
  const plain = shell === 'zsh' ? words : words.map(unquote);
  const [first, ...named] = plain;
  const isHelp = first === 'help' && named.length > 0;
  const position = findPosition(program, plain.length === 0 ? [''] : isHelp ? named : plain);
  const proposing = isHelp ? proposeCommands(position) : propose(position, context);
  const { kind, words: proposed = [] } = await proposing.catch(() => ({ kind: 'words' }) as Proposal);
  // What would steer the terminal can't be shown, and cleaned it would be the name of something else.
  const fitting = proposed.filter(
    ({ value }) => value.startsWith(position.typed) && value === withoutSteering(value),
  );
  return [
    kind,
    ...fitting.map(
      ({ value, description = '' }) =>
        `${position.prefix}${value}\t${withoutSteering(description).replace(/\s+/g, ' ')}`,
    ),
  ];
}

/** A word of a shell without its quotes and backslashes. */
function unquote(word: string): string {
  let quote = '';
  let plain = '';
  for (let at = 0; at < word.length; at += 1) {
    const character = word[at] as string;
    if (character === quote) quote = '';
    else if (quote === '' && /["']/.test(character)) quote = character;
    else if (character === '\\' && quote !== "'" && at + 1 < word.length) plain += word[++at];
    else plain += character;
  }
  return plain;
}

function findPosition(program: Command, words: readonly string[]): Position {
  let command = program;
  let waiting: Option | undefined;
  const given = new Map<string, string>();
  const operands: string[] = [];
  const current = words.at(-1) ?? '';
  for (const word of words.slice(0, -1)) {
    const { option, value } = readFlag(command, word);
    if (waiting) {
      given.set(waiting.attributeName(), word);
      waiting = undefined;
    } else if (option) {
      if (option.required && value === undefined) waiting = option;
      given.set(option.attributeName(), value ?? '');
    } else {
      const child = command.commands.find((known) => known.name() === word);
      if (child) command = child;
      else operands.push(word);
    }
  }
  const before = { command, given, operands };
  if (waiting) return { ...before, option: waiting, prefix: '', typed: current };
  const { option, value } = readFlag(command, current);
  if (!option || value === undefined) return { ...before, option: undefined, prefix: '', typed: current };
  return { ...before, option, prefix: current.slice(0, -value.length || undefined), typed: value };
}

/** `--col=text`, `--col` or `-c`. */
function readFlag(
  command: Command,
  word: string,
): { option?: Option | undefined; value?: string | undefined } {
  const [, flag = '', value] = /^(--?[^=]+)(?:=(.*))?$/s.exec(word) ?? [];
  const option = command.options.find(({ long, short }) => flag !== '' && (long === flag || short === flag));
  return { option, value };
}

async function propose(position: Position, context: CommandContext): Promise<Proposal> {
  const { command, option, typed, operands } = position;
  if (option) return proposeValue(option, position, context);
  if (typed.startsWith('-')) return { kind: 'words', words: listFlags(position) };
  if (command.commands.length > 0) return proposeCommands(position);
  if (command.registeredArguments.some((argument) => argument.name() === 'output')) return { kind: 'files' };
  // Flags are proposed where nothing is typed: they say what else there is to say.
  const takesInput = listFlags(position).some(({ value }) => value === '--file');
  if (takesInput && operands.length === 0 && typed !== '') return proposeInputs();
  if (command.registeredArguments.some((argument) => argument.name() === 'provider'))
    return proposeProviders(position, context);
  const choices = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
  return choices.length > 0 ? proposeWords(choices) : { kind: 'words', words: listFlags(position) };
}

async function proposeCommands({ command }: Position): Promise<Proposal> {
  const known = command.createHelp().visibleCommands(command);
  return {
    kind: 'words',
    words: known.map((child) => ({ value: child.name(), description: child.description() })),
  };
}

/** Those that are not there yet, or that may come again. */
function listFlags({ command, given }: Position): Word[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .filter(
      (option) => !given.has(option.attributeName()) || ['stop', 'param'].includes(option.attributeName()),
    )
    .flatMap(({ long, description }) => (long ? [{ value: long, description }] : []));
}

/** Flags whose values are known by more than their choices. */
const proposers: Readonly<
  Record<string, (position: Position, context: CommandContext) => Promise<Proposal>>
> = {
  file: proposeInputs,
  output: async () => ({ kind: 'files' }),
  schema: async () => ({ kind: 'files json' }),
  faults: async () => ({ kind: 'files json' }),
  config: async () => ({ kind: 'files json' }),
  cacheDir: async () => ({ kind: 'folders' }),
  col: proposeColumns,
  rowId: proposeColumns,
  attach: proposeColumns,
  messages: proposeColumns,
  on: proposeColumns,
  expect: proposeColumns,
  answer: proposeAnyColumns,
  delimiter: async () => proposeWords(delimiterNames),
  encoding: async () => proposeWords(commonEncodings),
  id: proposeIds,
  model: proposeModels,
  provider: proposeProviders,
};

async function proposeValue(option: Option, position: Position, context: CommandContext): Promise<Proposal> {
  if (option.argChoices) return proposeWords(option.argChoices);
  return (await proposers[option.attributeName()]?.(position, context)) ?? { kind: 'words' };
}

function proposeWords(values: readonly string[]): Proposal {
  return { kind: 'words', words: values.map((value) => ({ value })) };
}

async function proposeInputs(): Promise<Proposal> {
  return { kind: `files ${inputExtensions().join(' ')}` };
}

/** Of the input, or of an output; of several outputs those that all of them have. */
async function proposeColumns(position: Position, context: CommandContext): Promise<Proposal> {
  const [first = [], ...others] = await listColumnsOfEach(position, context);
  return proposeWords(first.filter((name) => others.every((names) => names.includes(name))));
}

/** Of several outputs those that one of them has: each may be asked for another. */
async function proposeAnyColumns(position: Position, context: CommandContext): Promise<Proposal> {
  const names = (await listColumnsOfEach(position, context)).flat();
  return proposeWords([...new Set(names)]);
}

/** Of each file that is named so far and can be read. An output that is named by its batch tells none. */
async function listColumnsOfEach(
  { given, operands }: Position,
  context: CommandContext,
): Promise<string[][]> {
  const input = given.get('file');
  const layout = readLayout(given);
  const listing = (input ? [input] : operands).map((file) => listColumns(file, placeOf({}, context), layout));
  return (await Promise.allSettled(listing)).flatMap((listed) =>
    listed.status === 'fulfilled' ? [listed.value] : [],
  );
}

function readLayout(given: Position['given']): LayoutOptions {
  const quoting = given.get('quoting');
  return {
    delimiter: given.get('delimiter'),
    quoting: quoting === 'none' || quoting === 'csv' ? quoting : undefined,
    encoding: given.get('encoding'),
  };
}

/** Batches and jobs of several parts, newest first. */
async function proposeIds({ given }: Position, context: CommandContext): Promise<Proposal> {
  const { batches } = await listBatches(placeOf({ sandbox: given.has('sandbox') }, context));
  const seen = new Set<string>();
  const words = batches.flatMap(({ batchId, jobId, provider, model, status, parts }) =>
    [batchId, parts > 1 ? jobId : undefined].flatMap((value) => {
      if (value === undefined || seen.has(value)) return [];
      seen.add(value);
      return [{ value, description: `${provider} ${model} ${value === jobId ? `${parts} parts` : status}` }];
    }),
  );
  return { kind: 'words', words };
}

async function proposeProviders(_: Position, context: CommandContext): Promise<Proposal> {
  return proposeWords(listProviders(placeOf({}, context)).map(({ name }) => name));
}

/** Those of the batches that are known. */
async function proposeModels({ given }: Position, context: CommandContext): Promise<Proposal> {
  const { batches } = await listBatches(placeOf({ sandbox: given.has('sandbox') }, context));
  const wanted = given.get('provider');
  const used = batches.filter(({ provider }) => !wanted || provider === wanted).map(({ model }) => model);
  return proposeWords([...new Set(used)]);
}
